/**
 * Files of torch.save before PyTorch 0.1.10, of 2016 and early 2017: tar archives.
 *
 * The members `storages` and `tensors` tell what there is, each under a number; the member `pickle` is the
 * object, in which tensors and storages stand as persistent ids that are those numbers. They are read here as
 * if the object held what they name, so every tensor is found where it is in any other file.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (legacy_load)
 * @module
 */
import { hexOffset } from '../../errors.js';
import { describeValue } from '../../pickle/describe.js';
import { pickleLimitsFor } from '../../pickle/limits.js';
import { type Pickle, parsePickle } from '../../pickle/machine.js';
import type { PersistentValue, PickleValue, TaggedValue } from '../../pickle/values.js';
import type { ByteSource } from '../../source/byte-source.js';
import { type TarMember, readTar } from '../tar.js';
import type { LegacyCheckpoint, LegacyOptions } from './legacy-file.js';
import { findPersistent, persistentClass } from './persistent-values.js';
import { TarMemberReader } from './tar-member.js';
import { readTarStorages } from './tar-storages.js';
import { readTarTensors } from './tar-tensors.js';
import { TorchError } from './torch-error.js';

/** What such a file holds. */
export interface TarCheckpoint extends LegacyCheckpoint {
  /** Bytes of the pickle. */
  readonly storedBytes: number;
  /** Keys of the storages that the object names itself; those of its tensors are named by the tensors alone. */
  readonly named: ReadonlySet<string>;
}

/**
 * Opens a tar archive: reads the headers of its members, what it says of storages and tensors, and the pickle.
 *
 * @throws TorchError `torch/tar` for other archives and for one that is not whole; `torch/bad-legacy`,
 *   `torch/cut-off`, `torch/bad-tensor`, `torch/unknown-storage`, `torch/missing-storage`, `torch/out-of-bounds`,
 *   `torch/too-large`
 * @throws PickleError for broken pickles
 */
export async function openTarCheckpoint(source: ByteSource, options: LegacyOptions): Promise<TarCheckpoint> {
  const members = await findMembers(source, options);
  const storages = await readTarStorages(new TarMemberReader(source, members.storages, options));
  const tensors = await readTarTensors(new TarMemberReader(source, members.tensors, options), storages.ids);
  // copies, by which a storage that the object names is told from the same one behind a tensor
  const named = new Map([...storages.ids].map(([key, id]) => [key, { ...id }]));
  const persistent = new Map<string, TaggedValue>([...named, ...tensors.calls]);
  const object = await readObject(source, members.pickle, options, persistent);
  return {
    pickle: { ...object, globals: [...storages.globals, ...tensors.globals, ...object.globals] },
    records: { bigEndian: false, find: (key) => storages.records.get(key) },
    storedBytes: members.pickle.size,
    named: namedStorages(object.value, named, new Set(storages.ids.values()), source.name),
  };
}

const NAMES = ['storages', 'tensors', 'pickle'] as const;

type Members = Readonly<Record<(typeof NAMES)[number], TarMember>>;

async function findMembers(source: ByteSource, options: LegacyOptions): Promise<Members> {
  const { members, odd, brokenAt } = await readTar(source, options);
  const path = source.name;
  if (brokenAt !== undefined) {
    const message = `a tar archive, cut off or damaged: no whole member stands at ${hexOffset(brokenAt)}`;
    throw new TorchError('torch/tar', message, { path, offset: brokenAt, hint: 'download this file again' });
  }
  if (!members.some(({ name }) => name === 'pickle')) {
    throw new TorchError('torch/tar', 'a tar archive, but no checkpoint that torch.save wrote: it has no pickle', {
      path,
      hint: 'unpack it, and give the file inside',
    });
  }
  const found = NAMES.map((name) => [name, expectOne(members, name, path)] as const);
  if (odd[0] !== undefined) {
    throw bad('a link, an extended header or a name twice stands in it, of which programs make different things', path, odd[0]); // prettier-ignore
  }
  return Object.fromEntries(found) as Members;
}

/** Python takes the last of two members with one name; whoever unpacks the archive may end up with either. */
function expectOne(members: readonly TarMember[], name: string, path: string): TarMember {
  const [member, other] = members.filter((one) => one.name === name);
  if (member !== undefined && other === undefined) return member;
  const what = member === undefined ? `the member ${name} is missing` : `two members are called ${name}`;
  throw bad(what, path, other?.offset ?? 0);
}

async function readObject(
  source: ByteSource,
  { offset, size }: TarMember,
  { signal, limits: changes }: LegacyOptions,
  persistent: ReadonlyMap<string, TaggedValue>,
): Promise<Pickle> {
  const limits = { ...pickleLimitsFor(size), ...changes };
  if (size > limits.bytes) {
    const message = `a pickle of ${size} bytes is not read; the limit is ${limits.bytes}`;
    throw new TorchError('torch/too-large', message, { path: source.name, offset });
  }
  const bytes = await source.read(offset, size, { signal });
  return parsePickle(bytes, { baseOffset: offset, path: source.name, limits, persistent });
}

/** Keys of the storages that stand in the object; throws where it names something that the file does not have. */
function namedStorages(
  root: PickleValue,
  named: ReadonlyMap<string, PersistentValue>,
  ofTensors: ReadonlySet<PersistentValue>,
  path: string,
): Set<string> {
  const keys = new Map([...named].map(([key, value]) => [value, key]));
  const found = new Set<string>();
  for (const value of findPersistent(root)) {
    const key = keys.get(value);
    if (key !== undefined) found.add(key);
    else if (!ofTensors.has(value) && persistentClass(value) === undefined) {
      const what = `its object names ${describeValue(value.id)}, which is no tensor and no storage of the file`;
      throw bad(what, path, value.offset);
    }
  }
  return found;
}

function bad(what: string, path: string, offset: number): TorchError {
  return new TorchError('torch/bad-legacy', `a PyTorch file of 2016, a tar archive, but ${what}`, { path, offset });
}
