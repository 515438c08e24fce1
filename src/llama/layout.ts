/**
 * The tensors of a Llama under their three names, their shapes, and how shards cut them.
 *
 * Meta, Hugging Face and GGUF store the same matrices; only names and, for Hugging Face, the row order
 * of q and k differ. GGUF files made for llama.cpp keep Meta's row order. Shapes are (out, in) everywhere.
 *
 * @see docs/layouts.md
 * @module
 */
import { type LlamaConfig, LlamaError } from './model.js';

/** How tensor-parallel shards cut a tensor: along rows (dim 0), columns (dim 1), or not at all. */
export type ShardSplit = 'rows' | 'columns' | 'replicated';

/** Which layout's names. */
export type LayoutName = 'meta' | 'hf' | 'gguf';

/** A tensor that a Llama has. */
export interface ExpectedTensor {
  /** Meta's name: the canonical one. */
  readonly name: string;
  /** Shape, (out, in) for matrices. */
  readonly shape: readonly number[];
  /** How shards cut it; the embedding is cut either way, see `shards.ts`. */
  readonly split: ShardSplit | 'embedding';
}

interface TensorRole {
  readonly meta: string;
  readonly hf: string;
  readonly gguf: string;
  readonly split: ExpectedTensor['split'];
  readonly shape: (config: LlamaConfig) => number[];
}

const vector = (config: LlamaConfig): number[] => [config.dim];
const embedding = (config: LlamaConfig): number[] => [config.vocabSize, config.dim];
const queries = (config: LlamaConfig): number => config.nHeads * config.headDim;
const keyValues = (config: LlamaConfig): number => config.nKvHeads * config.headDim;

/** Tensors outside the blocks; the order is that of Meta's state dict with the blocks after the first. */
const MODEL_ROLES: readonly [TensorRole, ...TensorRole[]] = [
  { meta: 'tok_embeddings', hf: 'model.embed_tokens', gguf: 'token_embd', split: 'embedding', shape: embedding },
  { meta: 'norm', hf: 'model.norm', gguf: 'output_norm', split: 'replicated', shape: vector },
  { meta: 'output', hf: 'lm_head', gguf: 'output', split: 'rows', shape: embedding },
];

/** Tensors of a block, in the order of Meta's state dict. */
const BLOCK_ROLES: readonly TensorRole[] = [
  { meta: 'attention.wq', hf: 'self_attn.q_proj', gguf: 'attn_q', split: 'rows', shape: (c) => [queries(c), c.dim] },
  { meta: 'attention.wk', hf: 'self_attn.k_proj', gguf: 'attn_k', split: 'rows', shape: (c) => [keyValues(c), c.dim] },
  { meta: 'attention.wv', hf: 'self_attn.v_proj', gguf: 'attn_v', split: 'rows', shape: (c) => [keyValues(c), c.dim] },
  {
    meta: 'attention.wo',
    hf: 'self_attn.o_proj',
    gguf: 'attn_output',
    split: 'columns',
    shape: (c) => [c.dim, queries(c)],
  },
  { meta: 'feed_forward.w1', hf: 'mlp.gate_proj', gguf: 'ffn_gate', split: 'rows', shape: (c) => [c.ffnDim, c.dim] },
  { meta: 'feed_forward.w2', hf: 'mlp.down_proj', gguf: 'ffn_down', split: 'columns', shape: (c) => [c.dim, c.ffnDim] },
  { meta: 'feed_forward.w3', hf: 'mlp.up_proj', gguf: 'ffn_up', split: 'rows', shape: (c) => [c.ffnDim, c.dim] },
  { meta: 'attention_norm', hf: 'input_layernorm', gguf: 'attn_norm', split: 'replicated', shape: vector },
  { meta: 'ffn_norm', hf: 'post_attention_layernorm', gguf: 'ffn_norm', split: 'replicated', shape: vector },
];

const BLOCK_PREFIX: Readonly<Record<LayoutName, string>> = { meta: 'layers', hf: 'model.layers', gguf: 'blk' };

/** Every tensor a Llama of these hyperparameters has, in the order of Meta's state dict; no `output` when tied. */
export function expectedTensors(config: LlamaConfig): ExpectedTensor[] {
  const whole = (role: TensorRole): ExpectedTensor => expected(role, `${role.meta}.weight`, config);
  const [first, ...last] = MODEL_ROLES;
  const blocks = Array.from({ length: config.nLayers }, (_, layer) =>
    BLOCK_ROLES.map((role) => expected(role, `layers.${layer}.${role.meta}.weight`, config)),
  ).flat();
  const all = [whole(first), ...blocks, ...last.map(whole)];
  return config.tied ? all.filter((tensor) => tensor.name !== 'output.weight') : all;
}

function expected(role: TensorRole, name: string, config: LlamaConfig): ExpectedTensor {
  return { name, shape: role.shape(config), split: role.split };
}

/**
 * The name that a layout gives to the tensor of this canonical name.
 *
 * @throws LlamaError `llama/unknown-tensor` for names that are not a Llama's
 */
export function expectNameInLayout(metaName: string, layout: LayoutName): string {
  const name = translate(metaName, 'meta', layout);
  if (name !== undefined) return name;
  throw new LlamaError('llama/unknown-tensor', `the tensor ${metaName} is not a part of a Llama`);
}

/** The canonical name of a tensor that a layout calls `name`; undefined for names that are not a Llama's. */
export function canonicalName(name: string, layout: LayoutName): string | undefined {
  return translate(name, layout, 'meta');
}

function translate(name: string, from: LayoutName, to: LayoutName): string | undefined {
  if (!name.endsWith('.weight')) return undefined;
  const stem = name.slice(0, -'.weight'.length);
  const whole = MODEL_ROLES.find((role) => role[from] === stem);
  if (whole !== undefined) return `${whole[to]}.weight`;
  if (!stem.startsWith(`${BLOCK_PREFIX[from]}.`)) return undefined;
  const rest = stem.slice(BLOCK_PREFIX[from].length + 1);
  const dot = rest.indexOf('.');
  const layer = rest.slice(0, dot);
  const role = BLOCK_ROLES.find((candidate) => candidate[from] === rest.slice(dot + 1));
  if (role === undefined || !/^(0|[1-9]\d*)$/.test(layer)) return undefined;
  return `${BLOCK_PREFIX[to]}.${layer}.${role[to]}.weight`;
}

/** Which heads' rows a canonical tensor holds: those of q and k rotate, so their row order depends on the layout. */
export function rotaryHeads(metaName: string, config: Pick<LlamaConfig, 'nHeads' | 'nKvHeads'>): number | undefined {
  if (/^layers\.\d+\.attention\.wq\.weight$/.test(metaName)) return config.nHeads;
  if (/^layers\.\d+\.attention\.wk\.weight$/.test(metaName)) return config.nKvHeads;
  return undefined;
}

/** Rotary frequencies that Llama 1 and 2 store although they follow from theta; readers skip them. */
export function isStoredFrequencies(metaName: string): boolean {
  return metaName === 'rope.freqs' || /^layers\.\d+\.attention\.inner_attention\.rope\.freqs$/.test(metaName);
}
