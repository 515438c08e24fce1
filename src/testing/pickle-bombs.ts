/**
 * Small archives with pickles that would exhaust a careless reader, for `npm run fuzz` to measure.
 *
 * Most are some kilobytes of deflated data that unpack to megabytes of the dearest opcodes of one kind; the others
 * hold a trillion things by sharing a few. Not part of the package.
 *
 * @module
 */
import { DEFAULT_PICKLE_LIMITS } from '../pickle/limits.js';
import { pickleOf, storageId, tensorV2 } from './torch-bytes.js';
import { makeWithJszip } from './zip.js';

/** Unpacked bytes at most; the limit of the machine. */
const LONGEST = DEFAULT_PICKLE_LIMITS.bytes;

/** What stands before and behind the part that is repeated, and that part, as hexadecimal digits. */
const BOMBS: Readonly<Record<string, readonly [head: string, part: string, tail: string]>> = {
  'lists in a list': ['5d28', '5d', '65'],
  'lists made and dropped': ['', '5d30', '4e'],
  'dictionaries of one entry': ['5d28', '7d4e4e73', '65'],
  'sets of one item': ['5d28', '8f284e90', '65'],
  'lists in lists': ['', '5d', ''],
  'tuples in tuples': ['29', '85', ''],
  None: ['5d28', '4e', '65'],
  floats: ['5d28', '473ff8000000000000', '65'],
  'strings of one character': ['5d28', '8c0161', '65'],
  'strings of two-byte characters': ['5d28', '8c04c3a9c3a9', '65'],
  'bytes of one byte': ['5d28', '430161', '65'],
  'what the memo holds': ['5d28', '4e94', '65'],
  'lists in the memo': ['5d28', '5d94', '65'],
  calls: ['63610a620a942830', '68002952', '65'],
  'objects with state': ['63610a620a942830', '680029814e62', '65'],
  classes: ['5d28', '63610a620a', '65'],
  'persistent ids': ['5d28', '4e51', '65'],
  marks: ['', '28', ''],
  'marks closed': ['5d', '2865', ''],
  'protocols named': ['', '8002', '4e'],
  'the memo written over': ['4e', '7100', ''],
  'tops doubled and dropped': ['4e', '3230', ''],
  frames: ['', '950000000000000000', '4e'],
  states: ['63610a620a2952', '4e62', ''],
  'integers of 255 bytes': ['5d28', `8aff${'01'.repeat(255)}`, '65'],
  'integers of 2 kB': ['5d28', `8b00080000${'01'.repeat(2048)}`, '65'],
  'integers of 16 kB': ['5d28', `8b00400000${'01'.repeat(16_384)}`, '65'],
  'integers in text': ['5d28', `4c${'31'.repeat(4000)}4c0a`, '65'],
  'a long line': ['', `49${'31'.repeat(1000)}`, ''],
  'a long string': ['58f0ffff01', '61'.repeat(1024), ''],
  'escapes in a string': ['56', '5c7530306539'.repeat(100), '0a'],
  'nothing known': ['', 'fe', ''],
};

/** Lists of ten lists of ten lists … of one thing, by the memo. */
const SHARED: Readonly<Record<string, Uint8Array>> = {
  'shared numbers': sharedLists(Uint8Array.of(0x4b, 1)),
  'shared tensors': sharedLists(
    pickleOf(tensorV2(storageId('torch.FloatStorage', '0', 1), 0, [1], [1])).subarray(2, -1),
  ),
};

/** Names of the bombs. */
export const BOMB_NAMES = [...Object.keys(BOMBS), ...Object.keys(SHARED)];

/** The checkpoint of that name; its `data.pkl` unpacks to almost as many bytes as are read. */
export async function bombBytes(name: string): Promise<Uint8Array> {
  const shared = SHARED[name];
  if (shared !== undefined) return makeWithJszip({ 'archive/data.pkl': shared, 'archive/data/0': new Uint8Array(4) });
  const [head, part, tail] = BOMBS[name]!.map((hex) => Buffer.from(hex, 'hex')) as [Buffer, Buffer, Buffer];
  const times = Math.floor((LONGEST - 1024) / part.length);
  const pickle = Buffer.concat([
    Buffer.from([0x80, 2]),
    head,
    Buffer.alloc(times * part.length, part),
    tail,
    Buffer.from('.'),
  ]);
  return makeWithJszip({ 'archive/data.pkl': pickle }, { deflate: true });
}

function sharedLists(item: Uint8Array): Uint8Array {
  const parts = [Uint8Array.of(0x80, 2, 0x5d), item, Uint8Array.of(0x61, 0x71, 0)]; // a list of it, kept in slot 0
  for (let level = 1; level < 40; level++) {
    const tenfold = Array.from({ length: 10 }, () => [0x68, level - 1]).flat(); // BINGET
    parts.push(Uint8Array.of(0x30, 0x5d, 0x28, ...tenfold, 0x65, 0x71, level)); // POP, a list of them, kept
  }
  return new Uint8Array(Buffer.concat([...parts, Uint8Array.of(0x2e)]));
}
