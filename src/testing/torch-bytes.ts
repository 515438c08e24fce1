/**
 * Pickles and checkpoints written by hand, for what no writer of ours or of PyTorch's would write.
 *
 * Not part of the package.
 *
 * @module
 */
import { memorySink } from '../source/byte-sink.js';
import { zipWriter } from '../zip/writer.js';

/** A Python value: arrays are tuples, the rest that JSON lacks is tagged. */
export type Py =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Py[]
  | { readonly list: readonly Py[] }
  | { readonly dict: readonly (readonly [Py, Py])[] }
  | { readonly global: string }
  | {
      readonly call: string;
      readonly args: readonly Py[] | Py;
      readonly state?: Py;
      readonly items?: readonly (readonly [Py, Py])[];
    }
  | { readonly persistent: Py }
  | { readonly float: number }
  | { readonly raw: readonly number[] };

/** The pickle of a value, protocol 2, without a memo: objects that occur twice are written twice. */
export function pickleOf(value: Py): Uint8Array {
  return Uint8Array.from([0x80, 2, ...opcodesOf(value), 0x2e]);
}

function opcodesOf(value: Py): number[] {
  if (value === null) return [0x4e];
  if (typeof value === 'boolean') return [value ? 0x88 : 0x89];
  if (typeof value === 'number' || typeof value === 'bigint') return ascii(`I${value}\n`);
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value);
    return [0x58, ...new Uint8Array(Uint32Array.of(bytes.byteLength).buffer), ...bytes];
  }
  if (Array.isArray(value)) return [0x28, ...(value as readonly Py[]).flatMap(opcodesOf), 0x74];
  return opcodesOfTagged(value as Exclude<Py, null | boolean | number | bigint | string | readonly Py[]>);
}

function opcodesOfTagged(value: Exclude<Py, null | boolean | number | bigint | string | readonly Py[]>): number[] {
  if ('list' in value) return [0x5d, 0x28, ...value.list.flatMap(opcodesOf), 0x65];
  if ('dict' in value) return [0x7d, ...itemsOf(value.dict)];
  if ('global' in value) return globalOf(value.global);
  if ('persistent' in value) return [...opcodesOf(value.persistent), 0x51];
  if ('float' in value) return ascii(`F${value.float}\n`);
  if ('raw' in value) return [...value.raw];
  const build = value.state === undefined ? [] : [...opcodesOf(value.state), 0x62];
  return [...globalOf(value.call), ...opcodesOf(value.args), 0x52, ...itemsOf(value.items ?? []), ...build];
}

function itemsOf(items: readonly (readonly [Py, Py])[]): number[] {
  return items.length === 0 ? [] : [0x28, ...items.flat().flatMap(opcodesOf), 0x75];
}

function globalOf(name: string): number[] {
  const dot = name.lastIndexOf('.');
  return ascii(`c${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`);
}

function ascii(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** The persistent id of a storage: `storageId('torch.FloatStorage', '0', 6)`. */
export function storageId(storageClass: string, key: string, elements: number, location = 'cpu'): Py {
  return { persistent: ['storage', { global: storageClass }, key, location, elements] };
}

/** A call of `_rebuild_tensor_v2`. */
export function tensorV2(storage: Py, offset: Py, size: Py, stride: Py, ...more: readonly Py[]): Py {
  const hooks: Py = { call: 'collections.OrderedDict', args: [] };
  const [requiresGrad = false, ...rest] = more;
  return {
    call: 'torch._utils._rebuild_tensor_v2',
    args: [storage, offset, size, stride, requiresGrad, hooks, ...rest],
  };
}

/** A checkpoint of any records; those without a slash at the beginning go below `archive/`. */
export async function torchBytes(
  root: Py | Uint8Array,
  records: Readonly<Record<string, Uint8Array | string>>,
): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = zipWriter(sink);
  const pickle = root instanceof Uint8Array ? root : pickleOf(root);
  const all = { 'data.pkl': pickle, ...records };
  for (const [name, data] of Object.entries(all)) {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    await writer.add(`archive/${name}`, bytes.byteLength, bytes);
  }
  await writer.finish();
  return sink.bytes();
}
