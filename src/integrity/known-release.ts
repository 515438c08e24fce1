/**
 * The registry of releases as a list of hashes, for a folder without one.
 *
 * A folder is held against a release when it is called by its name, or has the `params.json` of one whose weights are
 * known. In the first case a difference is a fault, for the name is a claim; in the second it only means that these
 * are other weights, as fine-tunes keep `params.json`.
 *
 * @module
 */
import { smallFileSha256 } from '../llama/file-hashes.js';
import { looksLikeMetaFolder } from '../llama/meta-checkpoint.js';
import { lastPathPart } from '../llama/model-name.js';
import type { KnownFile, Release } from '../llama/releases/release.js';
import { releasesNamed, releasesWithFile } from '../llama/releases.js';
import type { Folder, FolderEntry } from '../source/folder.js';
import type { ListedEntry } from './checklist.js';
import type { KnownRelease, KnownSize } from './files-report.js';
import { CHECKLIST } from './read-lists.js';

/** A release that a folder is held against, and what is known of its files. */
export interface ReleaseExpectation {
  /** What is told about it. */
  readonly report: KnownRelease;
  /** Files with a known hash. */
  readonly entries: readonly ListedEntry[];
}

/**
 * The release to hold a folder of Meta's against; undefined when none is known. Hashes `params.json` and `checklist.chk`.
 *
 * @param folder - the checkpoint
 * @param present - its files
 * @param hasList - whether a list names the weights already; then only the list itself is looked up
 */
export async function expectedRelease(
  folder: Folder,
  present: readonly FolderEntry[],
  hasList: boolean,
): Promise<ReleaseExpectation | undefined> {
  if (!looksLikeMetaFolder(present.map(({ name }) => name))) return undefined;
  if (hasList) {
    const release = await releaseOfFile(folder, CHECKLIST);
    return release && { report: { release: release.id, by: CHECKLIST, sizes: [], sources: [] }, entries: [] };
  }
  const shards = present.filter(({ name }) => SHARD.test(name)).length;
  const fits = ({ shardCount }: Release): boolean => shardCount === undefined || shardCount === shards;
  const named = releasesNamed(lastPathPart(folder.name)).find((release) => fits(release) && knowsWeights(release));
  if (named !== undefined) return expectationOf(named, 'name', present);
  const same = await releaseOfFile(folder, 'params.json');
  return same !== undefined && fits(same) && knowsWeights(same)
    ? expectationOf(same, 'params.json', present)
    : undefined;
}

const SHARD = /^consolidated\.\d+\.pth$/;

function knowsWeights({ files }: Release): boolean {
  return files.some(({ name }) => SHARD.test(name));
}

async function releaseOfFile(folder: Folder, name: string): Promise<Release | undefined> {
  const sha256 = await smallFileSha256(folder, name);
  return sha256 === undefined ? undefined : releasesWithFile(name, sha256)[0];
}

function expectationOf(
  { id, files }: Release,
  by: KnownRelease['by'],
  present: readonly FolderEntry[],
): ReleaseExpectation {
  // the settings of a release may be spelled in two ways, so they are compared only where Meta's own list is known
  const ownParams = files.some(({ name }) => name === CHECKLIST);
  const wanted = files.filter(({ name }) => SHARD.test(name) || name === 'tokenizer.model' || (ownParams && name === 'params.json')); // prettier-ignore
  const entries = wanted.flatMap(entryOf);
  const sizes = wanted.flatMap((file): KnownSize[] => {
    const found = present.find(({ name }) => name === file.name)?.size;
    return file.size === undefined || found === undefined ? [] : [{ name: file.name, expected: file.size, found }];
  });
  const sources = [...new Set(wanted.map(({ evidence, source }) => `${evidence}: ${source}`))];
  return { report: { release: id, by, sizes, sources }, entries };
}

/** The hash to compare: SHA-256 where it is known. */
function entryOf({ name, sha256, md5 }: KnownFile): ListedEntry[] {
  if (sha256 !== undefined) return [{ name, hash: sha256, algorithm: 'sha256', line: 0 }];
  return md5 === undefined ? [] : [{ name, hash: md5, algorithm: 'md5', line: 0 }];
}
