/**
 * The member `tensors` of the tar archive that torch.save wrote in 2016.
 *
 * A number, then for each tensor a pickle of (key, key of its storage, class) and in binary its dimensions,
 * strides and offset. What comes out are the calls that a later PyTorch would have pickled for the same
 * tensors, so that nothing beyond this knows of the form.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (legacy_load)
 * @module
 */
import { isKind } from '../../pickle/access.js';
import { describeValue } from '../../pickle/describe.js';
import { persistentName } from '../../pickle/persistent.js';
import { createReduce } from '../../pickle/records.js';
import type { GlobalValue, PersistentValue, PickleValue, ReduceValue, TupleValue } from '../../pickle/values.js';
import { MOST_DIMENSIONS } from './geometry.js';
import type { TarMemberReader } from './tar-member.js';

/** The tensors of such a file. */
export interface TarTensors {
  /** Each as the call that makes it, by key. */
  readonly calls: ReadonlyMap<string, ReduceValue>;
  /** The classes that are named, in order. */
  readonly globals: readonly GlobalValue[];
}

/**
 * Reads what the tensors are; whether each lies within its storage is seen when the object names it.
 *
 * @param member - at its beginning
 * @param storages - persistent ids by key
 * @throws TorchError `torch/bad-legacy`, `torch/cut-off`, `torch/bad-tensor`, `torch/missing-storage`, `torch/too-large`
 * @throws PickleError for broken pickles
 */
export async function readTarTensors(
  member: TarMemberReader,
  storages: ReadonlyMap<string, PersistentValue>,
): Promise<TarTensors> {
  const calls = new Map<string, ReduceValue>();
  const globals: GlobalValue[] = [];
  const start = member.offset;
  const count = member.expectCount((await member.pickle()).value, 'tensors', start);
  for (let nth = 0; nth < count; nth++) {
    const offset = member.offset;
    const pickle = await member.entry();
    for (const global of pickle.globals) globals.push(global);
    const { key, storage } = expectNamed(pickle.value, member, storages, offset);
    if (calls.has(key) || storages.has(key)) throw member.bad(`${key} is the key of two things`, offset);
    calls.set(key, await readCall(key, storage, member, offset));
  }
  return { calls, globals };
}

/** Bytes of the number of dimensions: of the eight that it took, four count. */
const DIMENSIONS_BYTES = 8;

/** Bytes of a size, a stride or an offset. */
const NUMBER_BYTES = 8;

const REBUILD_TENSOR: GlobalValue = {
  kind: 'global',
  module: 'torch._utils',
  name: '_rebuild_tensor',
  opcode: 'GLOBAL',
  offset: 0,
};

function expectNamed(
  value: PickleValue,
  member: TarMemberReader,
  storages: ReadonlyMap<string, PersistentValue>,
  offset: number,
): { readonly key: string; readonly storage: PersistentValue } {
  const [id, storageId] = isKind(value, 'tuple') ? value.items : [];
  const [key, storageKey] = [persistentName(id), persistentName(storageId)];
  if (key === undefined || storageKey === undefined) {
    throw member.bad(`one of its tensors is ${describeValue(value)}, not (key, storage, class)`, offset);
  }
  const storage = storages.get(storageKey);
  if (storage !== undefined) return { key, storage };
  throw member.fail('torch/missing-storage', `the storage of the tensor ${key} is missing from the file`, offset);
}

async function readCall(
  key: string,
  storage: PersistentValue,
  member: TarMemberReader,
  offset: number,
): Promise<ReduceValue> {
  const dimensions = (await member.bytes(DIMENSIONS_BYTES, `the number of dimensions of ${key}`)).getInt32(0, true);
  if (dimensions < 0 || dimensions > MOST_DIMENSIONS) {
    throw member.fail('torch/bad-tensor', `the tensor ${key} has ${dimensions} dimensions`, offset);
  }
  const length = (2 * dimensions + 1) * NUMBER_BYTES;
  const numbers = integersIn(await member.bytes(length, `the sizes and strides of ${key}`));
  const size = tupleOf(numbers.slice(0, dimensions));
  const stride = tupleOf(numbers.slice(dimensions, -1));
  return createReduce('REDUCE', REBUILD_TENSOR, tupleOf([storage, numbers[2 * dimensions]!, size, stride]), offset);
}

/** As a pickle would have them: numbers where those are exact. */
function integersIn(view: DataView): (number | bigint)[] {
  return Array.from({ length: view.byteLength / NUMBER_BYTES }, (_, nth) => {
    const integer = view.getBigInt64(nth * NUMBER_BYTES, true);
    const number = Number(integer);
    return Number.isSafeInteger(number) ? number : integer;
  });
}

function tupleOf(items: readonly PickleValue[]): TupleValue {
  return { kind: 'tuple', items };
}
