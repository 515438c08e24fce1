// @ts-check
/**
 * `docs/releases.md`, made from the registry of releases.
 *
 *     npm run build && node scripts/releases-page.mjs
 *
 * A test makes the page from the sources again and fails when the committed one is another.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { format, resolveConfig } from 'prettier';

/** @typedef {import('../src/llama/releases/release.js').Release} Release */
/** @typedef {import('../src/llama/releases/release.js').KnownFile} KnownFile */

/** Where the page stands. */
export const RELEASES_PAGE = fileURLToPath(new URL('../docs/releases.md', import.meta.url));

const INTRODUCTION = `# Releases

Every release of Meta's Llama that the program knows, made by \`scripts/releases-page.mjs\` from
\`src/llama/releases/\`: change those files, not this page. \`inspect\` compares a checkpoint with it, and \`verify\`
uses it where no list names the weights.

**Exactly, or shaped like.** \`inspect\` says _exactly_ when \`checklist.chk\` is the published one, the shape is that of the
release, and neither \`params.json\` nor \`tokenizer.model\` has another hash than the published. The list names the hashes of
the weights, and \`verify\` compares them. When only hyperparameters agree, the checkpoint is _shaped like_ the release:
fine-tunes are.

**Evidence.** No hash here is a guess; one that is not known is missing.

| evidence | what it means |
| --- | --- |
| recomputed | these very bytes were made anew, in a test of this project, and gave the published hash |
| listed | stands in a checklist of Meta's whose own hash was recomputed |
| reported | stated by a public source, named beside it; nothing here could be recomputed |
| size | only the size is known, from that source |
| inferred | follows from other entries: a checklist made of hashes that were published one by one |
`;

const FILES_TEXT = `## Files

Hashes and sizes, as far as they are known. \`#N\` is a thread of that repository on GitHub.
`;

/**
 * The text of the page.
 *
 * @param {readonly Release[]} releases - the registry
 * @returns {Promise<string>}
 */
export async function releasesPage(releases) {
  const families = [...new Set(releases.map(({ family }) => family))];
  const parts = families.map((family) => familyTable(releases.filter((release) => release.family === family)));
  const text = [INTRODUCTION, ...parts, FILES_TEXT, fileTable(releases)].join('\n');
  return format(text, { ...(await resolveConfig(RELEASES_PAGE)), parser: 'markdown' });
}

/** @param {readonly Release[]} releases - those of one family */
function familyTable(releases) {
  const heads = ['release', 'kind', 'parameters', 'dim', 'layers', 'heads, kv', 'ffn', 'vocab', 'rope θ, factor'];
  heads.push('context', 'tokens', 'licence', 'shards');
  const rows = releases.map((release) => {
    const { id, kind, variant, shape, parameterCount, crossLayers, experts, contextLength } = release;
    const more = crossLayers > 0 ? ` + ${crossLayers}` : '';
    const factor = shape?.ropeFactor === null || shape === undefined ? '' : `, ×${shape.ropeFactor}`;
    return [
      ...[`${id}`, `${kind === 'text' ? '' : `${kind}, `}${experts > 0 ? `${experts} experts, ` : ''}${variant}`],
      ...[number(parameterCount), number(shape?.dim), shape === undefined ? '?' : `${shape.nLayers}${more}`],
      ...[shape === undefined ? '?' : `${shape.nHeads}, ${shape.nKvHeads}`, number(shape?.ffnDim)],
      ...[number(shape?.vocabSize), shape === undefined ? '?' : `${number(shape.ropeTheta)}${factor}`],
      ...[number(contextLength), release.tokens, release.licence, number(release.shardCount)],
    ];
  });
  return `## ${releases[0]?.family ?? ''}\n\n${table(heads, rows)}`;
}

/** @param {readonly Release[]} releases - the registry */
function fileTable(releases) {
  const rows = releases.flatMap(({ id, files }) => ownFiles(files).map((file) => [id, ...fileRow(file)]));
  const shared = new Map(
    releases.flatMap(({ files }) => files.filter((file) => !isOwn(file)).map((file) => [file.sha256, file])),
  );
  const common = [...shared.values()].map((file) => [sharedBy(releases, file), ...fileRow(file)]);
  return table(['release', 'file', 'bytes', 'MD5, SHA-256', 'evidence', 'source'], [...common, ...rows]);
}

/**
 * The files of a release without its tokenizer; shards of which only one size is known are one row.
 *
 * @param {readonly KnownFile[]} files - those of a release
 */
function ownFiles(files) {
  const own = files.filter(isOwn);
  const sized = own.filter(({ name, evidence }) => evidence === 'size' && name.startsWith('consolidated.'));
  const last = sized.at(-1);
  const isAlike = sized.length > 1 && sized.every(({ size }) => size === last?.size);
  if (last === undefined || !isAlike) return own;
  return [{ ...last, name: `${sized[0]?.name ?? ''} to ${last.name}` }, ...own.filter((file) => !sized.includes(file))];
}

/** @param {KnownFile} file - tokenizers belong to whole generations */
function isOwn({ name }) {
  return name !== 'tokenizer.model';
}

/**
 * @param {readonly Release[]} releases - the registry
 * @param {KnownFile} file - a tokenizer
 */
function sharedBy(releases, file) {
  const families = releases.filter(({ files }) => files.includes(file)).map(({ family }) => family);
  return `all of ${[...new Set(families)].filter((family) => family !== 'Llama Guard').join(', ')}`;
}

/** @param {KnownFile} file - a file of a release */
function fileRow({ name, size, md5, sha256, evidence, source }) {
  const hashes = [md5, sha256].flatMap((hash) => (hash === undefined ? [] : [`\`${hash}\``])).join(' ');
  return [name, number(size), hashes, evidence, source.replaceAll(',', ', ')];
}

/** @param {number | undefined} value - a count */
function number(value) {
  return value === undefined ? '?' : value.toLocaleString('en-US');
}

/**
 * @param {readonly string[]} heads - titles of the columns
 * @param {readonly (readonly string[])[]} rows - their cells
 */
function table(heads, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |\n`;
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const built = new URL('../dist/llama/releases/catalogue.js', import.meta.url);
  const { RELEASES } = await import(built.href);
  await writeFile(RELEASES_PAGE, await releasesPage(RELEASES));
}
