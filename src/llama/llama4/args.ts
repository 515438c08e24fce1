/**
 * What `params.json` of Llama 4 says beyond the hyperparameters of a text Llama.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/args.py
 * @module
 */

/** Mixture of experts. */
export interface MoeArgs {
  /** Experts of a layer: 16 in Scout, 128 in Maverick. */
  readonly numExperts: number;
  /** Experts that a token is sent to. */
  readonly topK: number;
  /** Every so many layers have experts: each in Scout, every second in Maverick. */
  readonly layerStep: number;
  /** Divides the width of an expert by one more than {@link capacityFactor}. */
  readonly autoScale: boolean;
  /** Tokens that an expert takes, as a factor. */
  readonly capacityFactor: number;
}

/** The encoder of images. */
export interface Llama4VisionArgs {
  /** Width of the hidden states. */
  readonly dim: number;
  /** Blocks. */
  readonly nLayers: number;
  /** Heads. */
  readonly nHeads: number;
  /** Side of an image tile in pixels. */
  readonly imageSize: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Width inside a block's feed-forward part, as a factor of the width. */
  readonly mlpRatio: number;
  /** Width after the adapter. */
  readonly outputDim: number;
  /** Patches are joined so that each side has this part of them. */
  readonly pixelShuffleRatio: number;
}

/** How queries grow with their position: by `1 + scale * log(1 + floor((position + 1) / floor))`. */
export interface AttentionTemperature {
  /** Positions below which nothing is scaled: 8192. */
  readonly floor: number;
  /** Strength: 0.1. */
  readonly scale: number;
}

/** All of it. */
export interface Llama4Args {
  /** Width of an expert before its own rules, as a factor of `dim`. */
  readonly ffnExp: number;
  /** Tokens of a chunk that attend to each other; undefined when all do. */
  readonly attentionChunkSize: number | undefined;
  /** Every so many layers have no rotary embedding; undefined when all have. */
  readonly nopeLayerInterval: number | undefined;
  /** Whether queries and keys are normalised. */
  readonly useQkNorm: boolean;
  /** Scaling of queries at far positions, in the layers without rotary embedding; undefined where there is none. */
  readonly attentionTemperature: AttentionTemperature | undefined;
  /** Factor of the rope scaling, where it is scaled; 16 when absent. */
  readonly ropeScalingFactor: number;
  /** Wavelengths below the old context length divided by this stay; 1 when absent. */
  readonly ropeHighFreqFactor: number;
  /** Experts; undefined for dense models (Llama Guard 4). */
  readonly moe: MoeArgs | undefined;
  /** Images; undefined for models of text alone. */
  readonly vision: Llama4VisionArgs | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** What the file says; undefined when it has no section of Llama 4. The schema has refused values of other types; 0 counts as absent. */
export function llama4Args(raw: Json): Llama4Args | undefined {
  const moe = section(raw, 'moe_args');
  const vision = section(raw, 'vision_args');
  if (moe === undefined && vision === undefined) return undefined;
  const optional = (key: string): number | undefined => numberOf(raw, key, 0) || undefined;
  return {
    ffnExp: numberOf(raw, 'ffn_exp', 4),
    attentionChunkSize: optional('attention_chunk_size'),
    nopeLayerInterval: optional('nope_layer_interval'),
    useQkNorm: raw['use_qk_norm'] === true,
    attentionTemperature:
      raw['attn_temperature_tuning'] === true
        ? { floor: numberOf(raw, 'floor_scale', 8192), scale: numberOf(raw, 'attn_scale', 0.1) }
        : undefined,
    ropeScalingFactor: numberOf(raw, 'rope_scaling_factor', 16),
    ropeHighFreqFactor: numberOf(raw, 'rope_high_freq_factor', 1),
    moe: moe && {
      numExperts: numberOf(moe, 'num_experts', 0),
      topK: numberOf(moe, 'top_k', 1),
      layerStep: numberOf(moe, 'interleave_moe_layer_step', 1),
      autoScale: moe['auto_scale_F'] !== false,
      capacityFactor: numberOf(moe, 'capacity_factor', 1),
    },
    vision: vision && {
      dim: numberOf(vision, 'dim', 0),
      nLayers: numberOf(vision, 'n_layers', 0),
      nHeads: numberOf(vision, 'n_heads', 0),
      imageSize: numberOf(section(vision, 'image_size') ?? {}, 'height', 0),
      patchSize: numberOf(section(vision, 'patch_size') ?? {}, 'height', 0),
      mlpRatio: numberOf(vision, 'mlp_ratio', 4),
      outputDim: numberOf(vision, 'output_dim', 0),
      pixelShuffleRatio: numberOf(vision, 'pixel_shuffle_ratio', 0),
    },
  };
}

function section(raw: Json, key: string): Json | undefined {
  const value = raw[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function numberOf(raw: Json, key: string, absent: number): number {
  const value = raw[key];
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : absent;
}
