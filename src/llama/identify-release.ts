/**
 * Which release of Meta's is this, and how sure is that?
 *
 * Hashes of the small files are compared with those of the registry. Only `checklist.chk` can prove a release, because it
 * names the weights' hashes; `params.json` and the tokenizer are shared by fine-tunes. The weights themselves are
 * not hashed here: that is what `verify` is for.
 *
 * @module
 */
import type { Folder } from '../source/folder.js';
import type { Sha256 } from '../formats/torch/object-leaves.js';
import { smallFileSha256 } from './file-hashes.js';
import type { CheckpointKind } from './meta-checkpoint.js';
import type { LlamaConfig } from './model.js';
import { isInstructName } from './model-name.js';
import type { MetaParams } from './params.js';
import type { LicenceFamily, Release, ReleaseVariant } from './releases/release.js';
import { releaseOf, releasesOfKind, releasesNamed, releasesOfShape, releasesWithFile } from './releases.js';

/** A file whose hash was compared with the registry's. */
export interface ComparedFile {
  /** Its name. */
  readonly name: string;
  /** Its SHA-256 in lower-case hexadecimal. */
  readonly sha256: string;
  /** Names of the releases that have this very file; empty when none is known to. */
  readonly sameAs: readonly string[];
}

/** What a checkpoint was recognised as. */
export interface ReleaseIdentity {
  /** `exact` where the list of hashes is the published one, `shape` where only hyperparameters agree. */
  readonly certainty: 'exact' | 'shape';
  /** The release when exact (`Llama-3.2-1B-Instruct`), else the shape (`Llama 3.2 1B`). */
  readonly name: string;
  /** Releases that it may be: one when exact. */
  readonly releases: readonly string[];
  /** What it was made for; undefined when neither the registry nor the name tells. */
  readonly variant: ReleaseVariant | undefined;
  /** Whether the variant was told by the folder's name alone. */
  readonly variantByName: boolean;
  /** Longest context in tokens; undefined when the releases of this shape differ in it. */
  readonly contextLength: number | undefined;
  /** Licences of the releases that it may be. */
  readonly licences: readonly LicenceFamily[];
  /** Files that were compared with the registry. */
  readonly compared: readonly ComparedFile[];
}

/** What is known of a checkpoint from its headers. */
export interface IdentityQuestion {
  /** Last part of its path. */
  readonly name: string;
  /** Kind; undefined for a file that is no model. */
  readonly kind: CheckpointKind | undefined;
  /** Hyperparameters of text models. */
  readonly config: LlamaConfig | undefined;
  /** `params.json`, where there is one. */
  readonly params: MetaParams | undefined;
  /** Tensors: those of experts tell how many there are. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/** Small files whose hashes are known for some release. */
const COMPARED = ['checklist.chk', 'params.json', 'tokenizer.model', 'config.json', 'generation_config.json'];

/**
 * Recognises the release by hyperparameters and the files compared; undefined for miniatures and other families.
 *
 * @param question - what the headers tell
 * @param compared - see {@link compareFiles}; none for a model that lies in no folder
 */
export function identifyRelease(
  question: IdentityQuestion,
  compared: readonly ComparedFile[] = [],
): ReleaseIdentity | undefined {
  const shaped = releasesLike(question);
  if (shaped.length === 0) return undefined;
  const listed = compared.find(({ name }) => name === 'checklist.chk')?.sameAs ?? [];
  const exact = shaped.filter(({ id }) => listed.includes(id)).find((release) => isNotContradicted(release, compared));
  const preferable = exact === undefined ? preferred(shaped, compared) : [exact];
  const possible = ofNamedFamily(preferable, question.name);
  const own = only(possible.map(({ variant }) => variant));
  const isByName =
    own === undefined ? isInstructName(question.name) : own !== only(preferable.map((one) => one.variant));
  return {
    certainty: exact === undefined ? 'shape' : 'exact',
    name: exact?.id ?? shapeName(possible),
    releases: possible.map(({ id }) => id),
    variant: own ?? (isByName ? 'instruct' : undefined),
    variantByName: isByName,
    contextLength: question.config?.contextLength ?? only(possible.map(({ contextLength }) => contextLength)),
    licences: [...new Set(possible.map(({ licence }) => licence))],
    compared,
  };
}

/** The releases that the hyperparameters allow. */
function releasesLike({ kind, config, params, tensors }: IdentityQuestion): Release[] {
  if (kind === 'text' && config !== undefined) {
    const shape = releaseOf(config);
    const all = shape === undefined ? [] : releasesOfShape(shape);
    const sameContext = all.filter(({ contextLength }) => contextLength === config.contextLength);
    return sameContext.length > 0 ? sameContext : all;
  }
  if (kind === undefined || params === undefined) return [];
  const experts = tensors.find(({ name }) => name.endsWith('.experts.moe_w_in_eD_F'))?.shape[0] ?? 0;
  const all = releasesOfKind({
    ...{ kind, dim: params.dim, nLayers: params.n_layers, nHeads: params.n_heads },
    ...{ crossLayers: params.vision_num_cross_attention_layers, experts: experts / params.dim },
  });
  return kind === 'quantized' ? ofScheme(all, params) : all;
}

/** Those of the int4 releases that have adaptors (QLoRA), or have none (SpinQuant). */
function ofScheme(releases: readonly Release[], { lora_args: lora, quantization_args: args }: MetaParams): Release[] {
  if (lora === undefined && args?.spinquant !== true) return [...releases];
  return releases.filter(({ id }) => /qlora/i.test(id) === (lora !== undefined));
}

/**
 * Hashes the small files of a folder and looks for them in the registry; reads each whole, 4 MB at most together.
 *
 * @param folder - the checkpoint
 * @param parent - where Llama 1 and 2 keep the tokenizer
 * @param hash - the browser's implementation when absent
 */
export async function compareFiles(folder: Folder, parent?: Folder, hash?: Sha256): Promise<ComparedFile[]> {
  const compared: ComparedFile[] = [];
  for (const name of COMPARED) {
    const above = name === 'tokenizer.model' ? parent : undefined;
    const sha256 = (await smallFileSha256(folder, name, hash)) ?? (above && (await smallFileSha256(above, name, hash)));
    if (sha256 !== undefined)
      compared.push({ name, sha256, sameAs: releasesWithFile(name, sha256).map(({ id }) => id) });
  }
  return compared;
}

/** Whether no file has another hash than the one known for it. */
function isNotContradicted({ files }: Release, compared: readonly ComparedFile[]): boolean {
  return compared.every(({ name, sha256 }) => {
    const known = files.find((file) => file.name === name)?.sha256;
    return known === undefined || known === sha256;
  });
}

/** The releases whose very settings these are, if any is known; the others may have the same, written otherwise. */
function preferred(releases: readonly Release[], compared: readonly ComparedFile[]): readonly Release[] {
  const settings = compared.filter(({ name }) => name === 'params.json' || name === 'config.json');
  const same = releases.filter(({ id }) => settings.some(({ sameAs }) => sameAs.includes(id)));
  return same.length > 0 ? same : releases;
}

/** Where several families have one shape (3.1 and 3.3 70B, guards), those of the family whose name the folder has. */
function ofNamedFamily(releases: readonly Release[], folderName: string): readonly Release[] {
  const families = new Set(releasesNamed(folderName).map(({ family }) => family));
  const named = releases.filter(({ family }) => families.has(family));
  return named.length > 0 ? named : releases;
}

/** The name of a shape: that of its table, or of the one generation that is left of two. */
function shapeName(releases: readonly Release[]): string {
  const names = new Set(releases.map(({ shape }) => shape?.name ?? ''));
  const [name = ''] = names;
  const family = only(releases.filter(({ variant }) => variant !== 'guard').map((release) => release.family));
  if (family === undefined) return [...names].join(' or ');
  return name.replace(/^Llama (?:1 or 2|3\.1 or 3\.3)(?= )/, family);
}

/** The value that all have; undefined when they differ. */
function only<T>(values: readonly T[]): T | undefined {
  return new Set(values).size === 1 ? values[0] : undefined;
}
