/**
 * Tar archives as torch.save wrote them in 2016, made by hand.
 *
 * Not part of the package.
 *
 * @module
 */
import { type Py, pickleOf } from './torch-bytes.js';

/** A storage: what its pickle says, the number of elements it announces, and its bytes. */
export interface TarStorageParts {
  readonly id: Py;
  readonly count: number | bigint;
  readonly bytes: Uint8Array;
}

/** A tensor: what its pickle says, and the numbers behind it. */
export interface TarTensorParts {
  readonly id: Py;
  /** Number of dimensions that is announced; default as many as there are sizes. */
  readonly dimensions?: number;
  readonly size: readonly (number | bigint)[];
  readonly stride: readonly (number | bigint)[];
  readonly offset?: number | bigint;
  /** Upper half of the number of dimensions, which nobody heeds; default 0. */
  readonly upperHalf?: number;
}

/** What is in such a file. */
export interface TarParts {
  readonly storages: readonly TarStorageParts[];
  readonly storageCount?: Py;
  readonly views?: Py;
  readonly tensors: readonly TarTensorParts[];
  readonly tensorCount?: Py;
  readonly root: Py;
}

/** The four members. */
export function torchTarMembers(parts: TarParts): [name: string, bytes: Uint8Array][] {
  const { storages, tensors, root } = parts;
  const storageParts = storages.flatMap(({ id, count, bytes }) => [pickleOf(id), int64s(count), bytes]);
  const tensorParts = tensors.flatMap(({ id, size, stride, dimensions = size.length, upperHalf = 0, offset = 0 }) => [
    pickleOf(id),
    new Uint8Array(Int32Array.of(dimensions, upperHalf).buffer),
    int64s(...size, ...stride, offset),
  ]);
  const { storageCount = storages.length, tensorCount = tensors.length, views = { list: [] } } = parts;
  return [
    ['sys_info', pickleOf({ dict: [['protocol_version', 1000]] })],
    ['pickle', pickleOf(root)],
    ['tensors', Buffer.concat([pickleOf(tensorCount), ...tensorParts])],
    ['storages', Buffer.concat([pickleOf(storageCount), ...storageParts, pickleOf(views)])],
  ];
}

/** A tar archive of these members, and two blocks of zeros at its end. */
export function tarBytes(members: readonly (readonly [name: string, bytes: Uint8Array])[]): Uint8Array {
  const blocks = members.flatMap(([name, bytes]) => {
    const padding = new Uint8Array((512 - (bytes.byteLength % 512)) % 512);
    return [header(name, bytes.byteLength), bytes, padding];
  });
  return Buffer.concat([...blocks, new Uint8Array(1024)]);
}

function header(name: string, size: number): Uint8Array {
  const block = new Uint8Array(512);
  const write = (text: string, at: number): void => block.set(new TextEncoder().encode(text), at);
  write(name, 0);
  write(`${size.toString(8).padStart(11, '0')} `, 124);
  write('        ', 148);
  write('0', 156);
  write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return block;
}

function int64s(...numbers: readonly (number | bigint)[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer);
}
