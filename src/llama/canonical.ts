/**
 * From the tensors of a Hugging Face or GGUF file to Meta's names, every name and shape checked.
 *
 * @module
 */
import type { StoredTensor, Tensor } from '../formats/tensor.js';
import { type LayoutName, canonicalName, expectedTensors } from './layout.js';
import { type LlamaConfig, LlamaError } from './model.js';
import { renamed } from './views.js';

/** Where the tensors come from, and what a reader does to them. */
export interface CanonicalSource {
  /** Layout whose names they have. */
  readonly layout: Exclude<LayoutName, 'meta'>;
  /** What a person calls the file or folder. */
  readonly path: string;
  /** What states the shapes: `config.json`, `the metadata`. */
  readonly statedIn: string;
  /** Names that are known but not weights. */
  readonly isIgnored: (name: string) => boolean;
  /** Puts a tensor's rows into Meta's order. */
  readonly inMetaOrder: (tensor: Tensor, name: string) => Tensor;
}

/**
 * The tensors under Meta's names, in the order of Meta's state dict; lazy.
 *
 * @throws LlamaError `llama/unknown-tensor`, `llama/missing-tensor`, `llama/wrong-shape`
 */
export function canonicalTensors(
  stored: readonly StoredTensor[],
  config: LlamaConfig,
  source: CanonicalSource,
): Map<string, Tensor> {
  const { layout, path, statedIn } = source;
  // before names are made for the layers: a file may state any number of them
  if (config.nLayers > stored.length) {
    throw new LlamaError(
      'llama/missing-tensor',
      `${statedIn} states ${config.nLayers} layers, but there are only ${stored.length} tensors`,
      { path },
    );
  }
  const byName = new Map<string, StoredTensor>();
  for (const tensor of stored) {
    const name = canonicalName(tensor.name, layout);
    if (name !== undefined) {
      if (byName.has(name)) {
        throw new LlamaError('llama/bad-index', `the tensor ${tensor.name} lies in two files`, { path });
      }
      byName.set(name, tensor);
    } else if (!source.isIgnored(tensor.name)) {
      throw new LlamaError('llama/unknown-tensor', `the tensor ${tensor.name} is not a part of a Llama`, { path });
    }
  }
  const expected = expectedTensors(config);
  const known = new Set(expected.map(({ name }) => name).concat('output.weight'));
  const extra = [...byName].find(([name]) => !known.has(name));
  if (extra !== undefined) {
    throw new LlamaError(
      'llama/unknown-tensor',
      `the tensor ${extra[1].name} is beyond the ${config.nLayers} layers stated`,
      { path },
    );
  }
  return new Map(
    expected.map(({ name, shape }): [string, Tensor] => {
      const tensor = expectShaped(byName.get(name), name, shape, source);
      return [name, renamed(source.inMetaOrder(tensor, name), name)];
    }),
  );
}

function expectShaped(
  tensor: StoredTensor | undefined,
  name: string,
  shape: readonly number[],
  source: CanonicalSource,
): StoredTensor {
  if (tensor === undefined) {
    throw new LlamaError('llama/missing-tensor', `the tensor for ${name} is missing`, { path: source.path });
  }
  if (tensor.shape.join() === shape.join()) return tensor;
  throw new LlamaError(
    'llama/wrong-shape',
    `${tensor.name} has shape (${tensor.shape.join(', ')}); ${source.statedIn} asks for (${shape.join(', ')})`,
    { path: source.path },
  );
}
