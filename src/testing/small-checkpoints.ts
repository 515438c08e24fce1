/**
 * The smallest checkpoints of each layout, all weights zero, made with the planners of the formats alone.
 *
 * Not part of the package.
 *
 * @module
 */
import { type GgufMetadataEntry, planGguf } from '../formats/gguf/plan.js';
import { planSafetensors } from '../formats/safetensors/plan.js';
import type { TensorInfo } from '../formats/tensor.js';
import type { Folder } from '../source/folder.js';
import { type Py, storageId, tensorV2, torchBytes } from './torch-bytes.js';

/** Shapes of tensors by name. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

function tensorsOf(shapes: Shapes): TensorInfo[] {
  return Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: 'float32' }));
}

function zeroFilled(plan: { readonly byteLength: number; readonly header: Uint8Array }): Uint8Array {
  const bytes = new Uint8Array(plan.byteLength);
  bytes.set(plan.header);
  return bytes;
}

/** Metadata of a GGUF file for a Llama of one layer, width 8, two heads and six tokens, without a tokenizer. */
export const SMALL_GGUF_METADATA: readonly GgufMetadataEntry[] = [
  { key: 'general.architecture', type: 'str', value: 'llama' },
  { key: 'llama.block_count', type: 'u32', value: 1 },
  { key: 'llama.context_length', type: 'u32', value: 64 },
  { key: 'llama.embedding_length', type: 'u32', value: 8 },
  { key: 'llama.feed_forward_length', type: 'u32', value: 16 },
  { key: 'llama.attention.head_count', type: 'u32', value: 2 },
  { key: 'llama.attention.layer_norm_rms_epsilon', type: 'f32', value: 1e-5 },
];

/** The tensors of that model in a GGUF file; the output is tied. */
export const SMALL_GGUF_SHAPES: Shapes = {
  ...{ 'token_embd.weight': [6, 8], 'output_norm.weight': [8], 'blk.0.attn_norm.weight': [8] },
  ...{ 'blk.0.attn_q.weight': [8, 8], 'blk.0.attn_k.weight': [8, 8], 'blk.0.attn_v.weight': [8, 8] },
  ...{ 'blk.0.attn_output.weight': [8, 8], 'blk.0.ffn_norm.weight': [8], 'blk.0.ffn_gate.weight': [16, 8] },
  ...{ 'blk.0.ffn_up.weight': [16, 8], 'blk.0.ffn_down.weight': [8, 16] },
};

/** A GGUF file of these entries and of float32 tensors that are zero. */
export function ggufBytes(
  metadata: readonly GgufMetadataEntry[] = SMALL_GGUF_METADATA,
  shapes: Shapes = SMALL_GGUF_SHAPES,
): Uint8Array {
  return zeroFilled(planGguf({ metadata, tensors: tensorsOf(shapes) }));
}

/** `config.json` of the same model. */
const SMALL_HF_CONFIG = {
  ...{ model_type: 'llama', hidden_size: 8, num_attention_heads: 2, num_hidden_layers: 1, intermediate_size: 16 },
  ...{ vocab_size: 6, tie_word_embeddings: true },
};

/** The tensors of that model under Hugging Face's names. */
export function smallHfShapes(vocabSize = SMALL_HF_CONFIG.vocab_size): Shapes {
  const layer = 'model.layers.0';
  return {
    ...{ 'model.embed_tokens.weight': [vocabSize, 8], 'model.norm.weight': [8] },
    ...{ [`${layer}.input_layernorm.weight`]: [8], [`${layer}.post_attention_layernorm.weight`]: [8] },
    ...{ [`${layer}.self_attn.q_proj.weight`]: [8, 8], [`${layer}.self_attn.k_proj.weight`]: [8, 8] },
    ...{ [`${layer}.self_attn.v_proj.weight`]: [8, 8], [`${layer}.self_attn.o_proj.weight`]: [8, 8] },
    ...{ [`${layer}.mlp.gate_proj.weight`]: [16, 8], [`${layer}.mlp.up_proj.weight`]: [16, 8] },
    ...{ [`${layer}.mlp.down_proj.weight`]: [8, 16] },
  };
}

/** A safetensors file of float32 tensors that are zero. */
export function safetensorsBytes(shapes: Shapes): Uint8Array {
  return zeroFilled(planSafetensors(tensorsOf(shapes)));
}

/** A Hugging Face folder of that model without a tokenizer, with so many tokens and its configuration changed as given. */
export function smallHfFiles(change: object = {}, vocabSize = SMALL_HF_CONFIG.vocab_size): Record<string, Uint8Array> {
  const config = { ...SMALL_HF_CONFIG, vocab_size: vocabSize, ...change };
  return {
    'config.json': new TextEncoder().encode(JSON.stringify(config)),
    'model.safetensors': safetensorsBytes(smallHfShapes(vocabSize)),
  };
}

/** A file of PyTorch's of float32 tensors that are zero, each with a storage of its own. */
export function pthBytes(shapes: Shapes): Promise<Uint8Array> {
  const records: Record<string, Uint8Array> = {};
  const items = Object.entries(shapes).map(([name, shape], index): readonly [Py, Py] => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    records[`data/${index}`] = new Uint8Array(4 * count);
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, extent) => product * extent, 1));
    return [name, tensorV2(storageId('torch.FloatStorage', String(index), count), 0, [...shape], strides)];
  });
  return torchBytes({ dict: items }, records);
}

/** A folder that counts the files of it that are open. */
export function countingFolder(folder: Folder): Folder & { readonly openFiles: () => number } {
  let open = 0;
  return {
    ...folder,
    openFiles: () => open,
    open: async (name) => {
      const source = await folder.open(name);
      let isOpen = true;
      open += 1;
      const close = async (): Promise<void> => {
        if (isOpen) open -= 1;
        isOpen = false;
        await source.close();
      };
      return { ...source, close, [Symbol.asyncDispose]: close };
    },
  };
}
