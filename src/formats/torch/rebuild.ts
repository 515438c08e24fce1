/**
 * PyTorch's functions that make tensors, and what their arguments mean.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/_utils.py
 * @see https://github.com/pytorch/pytorch/blob/main/torch/_tensor.py (_rebuild_from_type_v2)
 * @module
 */
import { isKind, qualifiedName } from '../../pickle/access.js';
import type { GlobalValue, PickleValue, ReduceValue } from '../../pickle/values.js';
import { type RebuildContext, badTensor, expectGeometry, expectShape } from './geometry.js';
import { expectArray } from './pickled-array.js';
import { NO_TENSOR, type TensorKind, type TensorValue, denseTensor } from './tensor-value.js';
import { dtypeOfName } from './torch-dtypes.js';

/** Calls inside calls: a Parameter of a subclass made from a CPU copy takes four. */
const DEEPEST = 16;

/**
 * The tensor that a call makes; undefined when the call is no function that makes tensors.
 *
 * @throws TorchError `torch/bad-tensor`, `torch/out-of-bounds` and those of the storage
 */
export function rebuildTensor(call: ReduceValue, context: RebuildContext): TensorValue | undefined {
  if (!isKind(call.callable, 'global') || rebuilderOf(call.callable) === undefined) return undefined;
  const made = context.made?.get(call);
  if (made !== undefined) return made;
  const value = rebuild(
    call.callable,
    call.args,
    { storages: context.storages, path: context.path, offset: call.offset },
    0,
  );
  if (value === undefined) return undefined;
  const whole = call.states.length === 0 ? value : { ...value, states: [...value.states, ...call.states] };
  context.made?.set(call, whole);
  return whole;
}

/** Whether a function of that name makes tensors. */
export function isRebuilder(name: string): boolean {
  return REBUILDERS.has(name);
}

type Arguments = readonly (PickleValue | undefined)[];

type Rebuilder = (args: Arguments, context: RebuildContext, depth: number) => TensorValue;

const REBUILDERS: ReadonlyMap<string, Rebuilder> = new Map<string, Rebuilder>([
  ['torch._utils._rebuild_tensor', rebuildV1],
  ['torch._utils._rebuild_tensor_v2', rebuildV2],
  ['torch._utils._rebuild_tensor_v3', rebuildV3],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
  ['torch._utils._rebuild_qtensor', rebuildQuantized],
  ['torch._utils._rebuild_sparse_tensor', rebuildSparse],
  ['torch._utils._rebuild_sparse_csr_tensor', rebuildSparse],
  ['torch._utils._rebuild_nested_tensor', rebuildNested],
  ['torch._utils._rebuild_meta_tensor_no_storage', rebuildMeta],
  ['torch._utils._rebuild_wrapper_subclass', rebuildWrapper],
  ['torch._utils._rebuild_device_tensor_from_cpu_tensor', rebuildFromCpu],
  ['torch._utils._rebuild_device_tensor_from_numpy', rebuildFromNumpy],
  ['torch._utils._rebuild_xla_tensor', rebuildFromNumpy],
  ['torch._tensor._rebuild_from_type', rebuildFromType],
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
]);

const known = new WeakMap<GlobalValue, Rebuilder | null>();

/** Looked up once for each time the pickle names the function, which is nearly always once in all. */
function rebuilderOf(callable: GlobalValue): Rebuilder | undefined {
  let rebuilder = known.get(callable);
  if (rebuilder === undefined) {
    rebuilder = REBUILDERS.get(qualifiedName(callable)) ?? null;
    known.set(callable, rebuilder);
  }
  return rebuilder ?? undefined;
}

function rebuild(
  callable: PickleValue | undefined,
  args: PickleValue | undefined,
  context: RebuildContext,
  depth: number,
): TensorValue | undefined {
  const rebuilder = isKind(callable, 'global') ? rebuilderOf(callable) : undefined;
  if (rebuilder === undefined) return undefined;
  if (depth === DEEPEST) throw badTensor(`a tensor is wrapped more than ${DEEPEST} times`, context);
  if (!isKind(args, 'tuple')) throw badTensor('a tensor is made without arguments', context);
  return rebuilder(args.items, context, depth + 1);
}

/** A tensor that stands as an argument. */
function expectTensor(value: PickleValue | undefined, context: RebuildContext, depth: number): TensorValue {
  const tensor = isKind(value, 'reduce') ? rebuild(value.callable, value.args, context, depth) : undefined;
  if (tensor !== undefined) return tensor;
  throw badTensor('a tensor is made from something that is no tensor', context);
}

/** storage, storage_offset, size, stride */
function rebuildV1([storage, offset, size, stride]: Arguments, context: RebuildContext): TensorValue {
  return denseTensor(expectGeometry({ storage, offset, size, stride }, context), false);
}

/** storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata */
function rebuildV2(args: Arguments, context: RebuildContext): TensorValue {
  const [storage, offset, size, stride, requiresGrad, , metadata] = args;
  const geometry = expectGeometry({ storage, offset, size, stride }, context);
  return denseTensor(geometry, requiresGrad, metadata);
}

/** storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, metadata */
function rebuildV3(args: Arguments, context: RebuildContext): TensorValue {
  const [storage, offset, size, stride, requiresGrad, , dtype, metadata] = args;
  const name = expectDtypeName(dtype, context);
  const geometry = expectGeometry({ storage, offset, size, stride, dtype: name }, context);
  return denseTensor(geometry, requiresGrad, metadata);
}

/** data, requires_grad, backward_hooks, and perhaps state */
function rebuildParameter(args: Arguments, context: RebuildContext, depth: number): TensorValue {
  const [data, requiresGrad, , state] = args;
  const tensor = expectTensor(data, context, depth);
  return { ...tensor, requiresGrad: requiresGrad === true, isParameter: true, states: statesOf(tensor, state) };
}

/** storage, storage_offset, size, stride, quantizer_params, requires_grad, backward_hooks */
function rebuildQuantized(args: Arguments, context: RebuildContext): TensorValue {
  const [storage, offset, size, stride, quantizer, requiresGrad] = args;
  const geometry = expectGeometry({ storage, offset, size, stride }, context);
  const [, scales, zeroPoints] = isKind(quantizer, 'tuple') ? quantizer.items : [];
  const parts: [string, PickleValue][] = [];
  if (isKind(scales, 'reduce')) parts.push(['scales', scales]);
  if (isKind(zeroPoints, 'reduce')) parts.push(['zero_points', zeroPoints]);
  return { ...denseTensor(geometry, requiresGrad), kind: 'quantized', quantizer, parts };
}

const SPARSE_PARTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['sparse_coo', ['indices', 'values']],
  ['sparse_csr', ['crow_indices', 'col_indices', 'values']],
  ['sparse_csc', ['ccol_indices', 'row_indices', 'values']],
  ['sparse_bsr', ['crow_indices', 'col_indices', 'values']],
  ['sparse_bsc', ['ccol_indices', 'row_indices', 'values']],
]);

/** layout, and a tuple of the parts, the size and perhaps whether it is coalesced */
function rebuildSparse([layout, data]: Arguments, context: RebuildContext, depth: number): TensorValue {
  const kind = layoutName(layout);
  const names = SPARSE_PARTS.get(kind);
  if (names === undefined || !isKind(data, 'tuple') || data.items.length <= names.length) {
    throw badTensor(`a sparse tensor of layout ${JSON.stringify(kind)} is not what PyTorch writes`, context);
  }
  const parts = names.map((name, index) => [name, data.items[index]!] as const);
  const values = expectTensor(data.items[names.length - 1], context, depth);
  const shape = expectShape(data.items[names.length], context);
  const coalesced = kind === 'sparse_coo' ? data.items[names.length + 1] === true : undefined;
  return { ...composite(values, shape), kind: kind as TensorKind, coalesced, parts };
}

/** buffer, sizes, strides, storage_offsets */
function rebuildNested(args: Arguments, context: RebuildContext, depth: number): TensorValue {
  const names = ['buffer', 'sizes', 'strides', 'storage_offsets'];
  for (const part of names.keys()) expectTensor(args[part], context, depth);
  const parts = names.map((name, index) => [name, args[index]!] as const);
  return { ...composite(expectTensor(args[0], context, depth), []), kind: 'nested', parts };
}

/** dtype, size, stride, requires_grad */
function rebuildMeta([dtype, size, stride, requiresGrad]: Arguments, context: RebuildContext): TensorValue {
  const name = expectDtypeName(dtype, context);
  return {
    ...NO_TENSOR,
    kind: 'meta',
    dtype: dtypeOfName(name),
    storedDtype: name.slice('torch.'.length),
    shape: expectShape(size, context),
    stride: expectShape(stride, context),
    requiresGrad: requiresGrad === true,
  };
}

/** class, dtype, size, stride, storage_offset, layout, device, requires_grad */
function rebuildWrapper(args: Arguments, context: RebuildContext): TensorValue {
  const [type, dtype, size, stride, , , , requiresGrad] = args;
  const meta = rebuildMeta([dtype, size, stride, requiresGrad], context);
  return { ...meta, kind: 'wrapper', pythonType: typeNameOf(type) };
}

/** data, dtype, device, requires_grad */
function rebuildFromCpu([data, , , requiresGrad]: Arguments, context: RebuildContext, depth: number): TensorValue {
  return { ...expectTensor(data, context, depth), requiresGrad: requiresGrad === true };
}

/** data, dtype, device, requires_grad */
function rebuildFromNumpy([data, dtype, , requiresGrad]: Arguments, context: RebuildContext): TensorValue {
  return denseTensor(expectArray(data, expectDtypeName(dtype, context), context), requiresGrad);
}

/** function, class, its arguments, state */
function rebuildFromType(args: Arguments, context: RebuildContext, depth: number): TensorValue {
  const [callable, type, inner, state] = args;
  const tensor = rebuild(callable, inner, context, depth);
  if (tensor === undefined) throw badTensor('a subclass of Tensor is made by a function that makes no tensor', context);
  const name = typeNameOf(type);
  const isParameter = tensor.isParameter || name === 'torch.nn.parameter.Parameter';
  const pythonType = PLAIN_TYPES.includes(name) ? tensor.pythonType : name;
  return { ...tensor, isParameter, pythonType, states: statesOf(tensor, state) };
}

/** Classes that say no more than that it is a tensor. */
const PLAIN_TYPES: readonly (string | undefined)[] = [
  undefined,
  'torch.Tensor',
  'torch._tensor.Tensor',
  'torch.nn.parameter.Parameter',
];

/** A tensor of the same type that consists of others. */
function composite({ dtype, storedDtype }: TensorValue, shape: readonly number[]): TensorValue {
  return { ...NO_TENSOR, dtype, storedDtype, shape };
}

function statesOf(tensor: TensorValue, state: PickleValue | undefined): readonly PickleValue[] {
  return state === undefined || state === null ? tensor.states : [...tensor.states, state];
}

function typeNameOf(type: PickleValue | undefined): string | undefined {
  return isKind(type, 'global') ? qualifiedName(type) : undefined;
}

function expectDtypeName(value: PickleValue | undefined, context: RebuildContext): string {
  const name = typeNameOf(value);
  if (name?.startsWith('torch.') === true) return name;
  throw badTensor('the type of a tensor is no type of PyTorch', context);
}

/** `sparse_coo` of the call `torch.serialization._get_layout('torch.sparse_coo')` or of the name itself. */
function layoutName(layout: PickleValue | undefined): string {
  const [argument] = isKind(layout, 'reduce') && isKind(layout.args, 'tuple') ? layout.args.items : [];
  const name = typeof argument === 'string' ? argument : typeNameOf(layout);
  return name?.replace(/^torch\./, '') ?? '';
}
