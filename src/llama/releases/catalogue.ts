/**
 * Every release of Meta's Llama with weights. Data, not code.
 *
 * Contexts and shard counts are those of the model cards and downloads; what no source states is undefined. In Meta's own
 * list (`sku_list.py`) the shapes of Llama 2 are wrong (meta-llama/llama-models#246), so it is the source of sizes only.
 *
 * @module
 */
import { LLAMA_2_TOKENIZER, LLAMA_3_TOKENIZER, LLAMA_4_TOKENIZER, knownFilesOf } from './known-files.js';
import type { KnownFile, LicenceFamily, Release, ReleaseTokens, ReleaseVariant } from './release.js';
import { type ShapeName, shapeNamed } from './shapes.js';

/** What the releases of a generation have in common. */
type Common = Pick<Release, 'family' | 'tokens' | 'licence' | 'contextLength'> & {
  readonly tokenizer: KnownFile | undefined;
};

const generation = (
  family: string,
  licence: LicenceFamily,
  tokens: ReleaseTokens,
  contextLength: number,
  tokenizer: KnownFile | undefined,
): Common => ({ family, licence, tokens, contextLength, tokenizer });

const LLAMA_1 = generation('Llama 1', 'llama1', 'sentencepiece', 2048, LLAMA_2_TOKENIZER);
const LLAMA_2 = generation('Llama 2', 'llama2', 'sentencepiece', 4096, LLAMA_2_TOKENIZER);
const CODE_LLAMA = generation('Code Llama', 'llama2', 'code-llama', 16384, undefined);
const LLAMA_3 = generation('Llama 3', 'llama3', 'llama3', 8192, LLAMA_3_TOKENIZER);
const LLAMA_31 = generation('Llama 3.1', 'llama3.1', 'llama3.1', 131072, LLAMA_3_TOKENIZER);
const LLAMA_32 = generation('Llama 3.2', 'llama3.2', 'llama3.1', 131072, LLAMA_3_TOKENIZER);
const LLAMA_33 = generation('Llama 3.3', 'llama3.3', 'llama3.1', 131072, LLAMA_3_TOKENIZER);
const LLAMA_4 = generation('Llama 4', 'llama4', 'llama4', 262144, LLAMA_4_TOKENIZER);

const GUARD = { family: 'Llama Guard', variant: 'guard' } as const;
/** What the two late models of Code Llama can see. */
const SHORT = { contextLength: 4096 } as const;
const INT4 = { kind: 'quantized', contextLength: 8192 } as const;

/** What a release has of its own; the rest follows from its generation and shape. */
type Own = Partial<Omit<Release, 'id' | 'files' | 'size' | 'shardCount' | 'parameterCount'>>;

type Entry = readonly [
  id: string,
  size: string,
  common: Common,
  shape: ShapeName | undefined,
  shardCount: number | undefined,
  variant: ReleaseVariant,
  own?: Own,
];

const int4 = (size: '1B' | '3B', name: string, folder: string): Entry => [
  `Llama-3.2-${size}-Instruct-${name}`,
  size,
  LLAMA_32,
  `Llama 3.2 ${size}`,
  1,
  'instruct',
  { ...INT4, folders: [`Llama3.2-${size}-Instruct-${folder}`] },
];

const ENTRIES: readonly Entry[] = [
  ['Llama-1-7B', '7B', LLAMA_1, 'Llama 1 or 2 7B', 1, 'base'],
  ['Llama-1-13B', '13B', LLAMA_1, 'Llama 1 or 2 13B', 2, 'base'],
  ['Llama-1-30B', '30B', LLAMA_1, 'Llama 1 30B', 4, 'base'],
  ['Llama-1-65B', '65B', LLAMA_1, 'Llama 1 65B', 8, 'base'],
  ['Llama-2-7b', '7B', LLAMA_2, 'Llama 1 or 2 7B', 1, 'base'],
  ['Llama-2-7b-chat', '7B', LLAMA_2, 'Llama 1 or 2 7B', 1, 'chat'],
  ['Llama-2-13b', '13B', LLAMA_2, 'Llama 1 or 2 13B', 2, 'base'],
  ['Llama-2-13b-chat', '13B', LLAMA_2, 'Llama 1 or 2 13B', 2, 'chat'],
  ['Llama-2-70b', '70B', LLAMA_2, 'Llama 2 70B', 8, 'base'],
  ['Llama-2-70b-chat', '70B', LLAMA_2, 'Llama 2 70B', 8, 'chat'],
  ['CodeLlama-7b', '7B', CODE_LLAMA, 'Code Llama 7B', 1, 'base'],
  ['CodeLlama-7b-Instruct', '7B', CODE_LLAMA, 'Code Llama 7B', 1, 'instruct'],
  ['CodeLlama-7b-Python', '7B', CODE_LLAMA, 'Code Llama Python 7B', 1, 'python'],
  ['CodeLlama-13b', '13B', CODE_LLAMA, 'Code Llama 13B', 2, 'base'],
  ['CodeLlama-13b-Instruct', '13B', CODE_LLAMA, 'Code Llama 13B', 2, 'instruct'],
  ['CodeLlama-13b-Python', '13B', CODE_LLAMA, 'Code Llama Python 13B', 2, 'python'],
  ['CodeLlama-34b', '34B', CODE_LLAMA, 'Code Llama 34B', 4, 'base'],
  ['CodeLlama-34b-Instruct', '34B', CODE_LLAMA, 'Code Llama 34B', 4, 'instruct'],
  ['CodeLlama-34b-Python', '34B', CODE_LLAMA, 'Code Llama 34B', 4, 'python'],
  ['CodeLlama-70b', '70B', CODE_LLAMA, 'Code Llama 70B', 8, 'base'],
  ['CodeLlama-70b-Instruct', '70B', CODE_LLAMA, 'Code Llama 70B Instruct or Python', 8, 'instruct', SHORT],
  ['CodeLlama-70b-Python', '70B', CODE_LLAMA, 'Code Llama 70B Instruct or Python', 8, 'python', SHORT],
  ['Llama-3-8B', '8B', LLAMA_3, 'Llama 3 8B', 1, 'base'],
  ['Llama-3-8B-Instruct', '8B', LLAMA_3, 'Llama 3 8B', 1, 'instruct'],
  ['Llama-3-70B', '70B', LLAMA_3, 'Llama 3 70B', 8, 'base'],
  ['Llama-3-70B-Instruct', '70B', LLAMA_3, 'Llama 3 70B', 8, 'instruct'],
  ['Llama-3.1-8B', '8B', LLAMA_31, 'Llama 3.1 8B', 1, 'base'],
  ['Llama-3.1-8B-Instruct', '8B', LLAMA_31, 'Llama 3.1 8B', 1, 'instruct'],
  ['Llama-3.1-70B', '70B', LLAMA_31, 'Llama 3.1 or 3.3 70B', 8, 'base'],
  ['Llama-3.1-70B-Instruct', '70B', LLAMA_31, 'Llama 3.1 or 3.3 70B', 8, 'instruct'],
  ...(['', '-Instruct'] as const).flatMap((tail): Entry[] => {
    const variant = tail === '' ? 'base' : 'instruct';
    const of = (mark: string, shards: number, own: Own): Entry => [
      `Llama-3.1-405B${tail}${mark}`,
      '405B',
      LLAMA_31,
      'Llama 3.1 405B',
      shards,
      variant,
      own,
    ];
    return [
      of('-FP8', 8, { kind: 'fp8', folders: [`Llama3.1-405B${tail}`] }),
      of('-MP8', 8, { folders: [`Llama3.1-405B${tail}-bf16-mp8`] }),
      of('-MP16', 16, { folders: [`Llama3.1-405B${tail}-bf16-mp16`] }),
    ];
  }),
  ['Llama-3.2-1B', '1B', LLAMA_32, 'Llama 3.2 1B', 1, 'base'],
  ['Llama-3.2-1B-Instruct', '1B', LLAMA_32, 'Llama 3.2 1B', 1, 'instruct'],
  int4('1B', 'SpinQuant_INT4_EO8', 'int4-spinquant-eo8'),
  int4('1B', 'QLORA_INT4_EO8', 'int4-qlora-eo8'),
  ['Llama-3.2-3B', '3B', LLAMA_32, 'Llama 3.2 3B', 1, 'base'],
  ['Llama-3.2-3B-Instruct', '3B', LLAMA_32, 'Llama 3.2 3B', 1, 'instruct'],
  int4('3B', 'SpinQuant_INT4_EO8', 'int4-spinquant-eo8'),
  int4('3B', 'QLORA_INT4_EO8', 'int4-qlora-eo8'),
  ['Llama-3.2-11B-Vision', '11B', LLAMA_32, 'Llama 3.2 11B Vision', 1, 'base', { crossLayers: 8 }],
  ['Llama-3.2-11B-Vision-Instruct', '11B', LLAMA_32, 'Llama 3.2 11B Vision', 1, 'instruct', { crossLayers: 8 }],
  ['Llama-3.2-90B-Vision', '90B', LLAMA_32, 'Llama 3.2 90B Vision', 8, 'base', { crossLayers: 20 }],
  ['Llama-3.2-90B-Vision-Instruct', '90B', LLAMA_32, 'Llama 3.2 90B Vision', 8, 'instruct', { crossLayers: 20 }],
  ['Llama-3.3-70B-Instruct', '70B', LLAMA_33, 'Llama 3.1 or 3.3 70B', 8, 'instruct'],
  ['LlamaGuard-7b', '7B', LLAMA_2, 'Llama 1 or 2 7B', undefined, 'guard', GUARD],
  ['Llama-Guard-2-8B', '8B', LLAMA_3, 'Llama 3 8B', 1, 'guard', { ...GUARD, contextLength: 4096 }],
  ['Llama-Guard-3-8B', '8B', LLAMA_31, 'Llama 3.1 8B', 1, 'guard', GUARD],
  ['Llama-Guard-3-1B', '1B', LLAMA_32, 'Llama Guard 3 1B', 1, 'guard', GUARD],
  ['Llama-Guard-3-11B-Vision', '11B', LLAMA_32, 'Llama 3.2 11B Vision', 1, 'guard', { ...GUARD, crossLayers: 8 }],
  ['Llama-Guard-4-12B', '12B', LLAMA_4, undefined, undefined, 'guard', { ...GUARD, contextLength: 8192 }],
  ['Llama-4-Scout-17B-16E', '17B×16E', LLAMA_4, 'Llama 4 Scout', 8, 'base', { experts: 16 }],
  [
    ...(['Llama-4-Scout-17B-16E-Instruct', '17B×16E', LLAMA_4, 'Llama 4 Scout', 8, 'instruct'] as const),
    { experts: 16, contextLength: 10_485_760 },
  ],
  ['Llama-4-Maverick-17B-128E', '17B×128E', LLAMA_4, 'Llama 4 Maverick', 8, 'base', { experts: 128 }],
  [
    ...(['Llama-4-Maverick-17B-128E-Instruct', '17B×128E', LLAMA_4, 'Llama 4 Maverick', 8, 'instruct'] as const),
    { experts: 128, contextLength: 1_048_576 },
  ],
];

/** Parameters of text models by shape, a tied output counted once. */
const PARAMETERS: Readonly<Partial<Record<ShapeName, number>>> = {
  'Llama 3.2 1B': 1_235_814_400,
  'Llama Guard 3 1B': 1_498_482_688,
  'Llama 3.2 3B': 3_212_749_824,
  'Llama 1 or 2 7B': 6_738_415_616,
  'Code Llama 7B': 6_738_546_688,
  'Code Llama Python 7B': 6_738_415_616,
  'Llama 3 8B': 8_030_261_248,
  'Llama 3.1 8B': 8_030_261_248,
  'Llama 1 or 2 13B': 13_015_864_320,
  'Code Llama 13B': 13_016_028_160,
  'Code Llama Python 13B': 13_015_864_320,
  'Llama 1 30B': 32_528_943_616,
  'Code Llama 34B': 33_743_970_304,
  'Llama 1 65B': 65_285_660_672,
  'Llama 2 70B': 68_976_648_192,
  'Code Llama 70B': 68_976_910_336,
  'Code Llama 70B Instruct or Python': 68_976_910_336,
  'Llama 3 70B': 70_553_706_496,
  'Llama 3.1 or 3.3 70B': 70_553_706_496,
  'Llama 3.1 405B': 405_853_388_800,
};

/** Every release, by generation and size. */
export const RELEASES: readonly Release[] = ENTRIES.map(([id, size, common, shape, shardCount, variant, own]) => {
  const { tokenizer, ...shared } = common;
  const crossLayers = own?.crossLayers ?? 0;
  const experts = own?.experts ?? 0;
  const kind = crossLayers > 0 ? 'vision' : common === LLAMA_4 ? 'llama4' : 'text';
  return {
    ...{ id, size, folders: [], kind, crossLayers, experts, variant, shardCount, ...shared, ...own },
    shape: shape && shapeNamed(shape),
    parameterCount: shape && PARAMETERS[shape],
    files: [...knownFilesOf(id), ...(tokenizer === undefined ? [] : [tokenizer])],
  };
});
