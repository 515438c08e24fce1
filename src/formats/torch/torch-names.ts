/**
 * What names in a pickle mean to PyTorch.
 *
 * An element type is pickled as the bare name `torch.float32`; layouts, devices and sizes are calls.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (_get_layout)
 * @module
 */
import { isKind, qualifiedName } from '../../pickle/access.js';
import { python3Name } from '../../pickle/names.js';
import type { GlobalValue, PickleValue, ReduceValue } from '../../pickle/values.js';
import { BYTES_CALLABLES } from './python-bytes.js';
import { CONTAINER_CLASSES } from './python-containers.js';
import { isRebuilder } from './rebuild.js';
import type { TaggedJson } from './tagged-json.js';
import { dtypeOfName, storageTypeOf } from './torch-dtypes.js';

/** A class or function by its present name: some of PyTorch's have moved. */
export function presentName(global: GlobalValue): string {
  const { module, name } = python3Name(global);
  if (module === 'torch.tensor') return `torch._tensor.${name}`;
  return `${module}.${name}`;
}

/** The name that a class has for itself, where it can be imported by another. */
export function className(name: string): string {
  return name === 'torch.UntypedStorage' ? 'torch.storage.UntypedStorage' : name;
}

/** JSON of a name: `$dtype` and its kin for constants of PyTorch's, `$global` for all else. */
export function jsonOfGlobal(global: GlobalValue): TaggedJson {
  const name = presentName(global);
  return constantOf(name) ?? { $global: className(name) };
}

/** JSON of a size, a device, a layout or a complex number that a call makes; undefined for any other call. */
export function jsonOfSmallCall(
  { callable, args, states }: ReduceValue,
  complex: (value: PickleValue) => string | undefined,
): TaggedJson | undefined {
  if (!isKind(callable, 'global') || !isKind(args, 'tuple') || states.length > 0) return undefined;
  const { items } = args;
  switch (qualifiedName(callable)) {
    case 'torch.Size':
      return sizeOf(items);
    case 'torch.device':
      return deviceOf(items);
    case 'torch.serialization._get_layout':
      return typeof items[0] === 'string' ? constantOf(items[0]) : undefined;
    case 'builtins.complex': {
      const parts = items.map(complex);
      return parts.length === 2 && parts.every((part) => part !== undefined) ? { $complex: parts } : undefined;
    }
    default:
      return undefined;
  }
}

/** Whether a class or function has a meaning here, so that what it makes is no opaque object. */
export function isInterpreted(name: string): boolean {
  return (
    KNOWN.has(name) ||
    isRebuilder(name) ||
    storageTypeOf(name) !== undefined ||
    constantOf(name) !== undefined ||
    NUMPY.test(name)
  );
}

const KNOWN: ReadonlySet<string> = new Set([
  ...[...CONTAINER_CLASSES, ...BYTES_CALLABLES, 'builtins.complex'],
  ...['torch.Size', 'torch.device', 'torch.serialization._get_layout'],
  ...['torch.Tensor', 'torch._tensor.Tensor', 'torch.nn.parameter.Parameter'],
]);

/** All of NumPy but its random generators: types, scalars, arrays. */
const NUMPY = /^numpy\.(?!random\.)/;

/** Other names of element types. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ...([
    ['half', 'float16'],
    ['float', 'float32'],
    ['double', 'float64'],
  ] as const),
  ...([
    ['short', 'int16'],
    ['int', 'int32'],
    ['long', 'int64'],
  ] as const),
  ...([
    ['chalf', 'complex32'],
    ['cfloat', 'complex64'],
    ['cdouble', 'complex128'],
  ] as const),
]);

/** Element types of fewer bits than a byte, which have no storage of their own. */
const SMALL_DTYPE = /^u?int[1-7]$/;

const TAGS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    $layout: ['strided', 'sparse_coo', 'sparse_csr', 'sparse_csc', 'sparse_bsr', 'sparse_bsc', '_mkldnn', 'jagged'],
    $qscheme: [
      ...['per_tensor_affine', 'per_channel_affine', 'per_tensor_symmetric', 'per_channel_symmetric'],
      'per_channel_affine_float_qparams',
    ],
    $memory_format: ['contiguous_format', 'preserve_format', 'channels_last', 'channels_last_3d'],
  }).flatMap(([tag, names]) => names.map((name) => [name, tag])),
);

/** `torch.float32` and its kin. */
function constantOf(full: string): TaggedJson | undefined {
  if (!full.startsWith('torch.')) return undefined;
  const name = full.slice('torch.'.length);
  const dtype = ALIASES.get(name) ?? name;
  if (dtypeOfName(`torch.${dtype}`) !== undefined || SMALL_DTYPE.test(dtype)) return { $dtype: dtype };
  const tag = TAGS.get(name);
  return tag === undefined ? undefined : { [tag]: name };
}

function sizeOf([extents = null, ...others]: readonly PickleValue[]): TaggedJson | undefined {
  if (others.length > 0) return undefined;
  const items = isKind(extents, 'tuple') || isKind(extents, 'list') ? extents.items : [extents];
  const isSize = (values: readonly PickleValue[]): values is number[] =>
    values.every((value) => typeof value === 'number');
  return isSize(items) ? { $size: items } : undefined;
}

/** (type) or (type, index) */
function deviceOf([type, index]: readonly PickleValue[]): TaggedJson | undefined {
  if (typeof type !== 'string') return undefined;
  if (index === undefined || index === null) return { $device: type };
  return typeof index === 'number' ? { $device: `${type}:${index}` } : undefined;
}
