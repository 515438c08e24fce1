/**
 * The 40 digits of the record `.data/serialization_id`.
 *
 * PyTorch makes them of two 64-bit hashes: one of all record names, one of all checksums. The names are
 * hashed in the order in which C++ happens to iterate over a hash set, so that order is worked out here:
 * it depends on nothing but the names, and with it our files are PyTorch's byte for byte.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/caffe2/serialize/inline_container.cc (writeSerializationId)
 * @see https://github.com/pytorch/pytorch/blob/main/c10/util/hash.h (hash_combine)
 * @see https://gcc.gnu.org/onlinedocs/libstdc++/manual/unordered_associative.html
 * @module
 */

/** A record's share in the id. */
export interface HashedRecord {
  /** Name without the archive's folder. */
  readonly name: string;
  /** Bytes of its data; empty records leave no trace in the second hash. */
  readonly byteLength: number;
  /** CRC-32 of its data. */
  readonly crc32: number;
}

/** The id of an archive with these records, in the order they were written. */
export function serializationId(records: readonly HashedRecord[]): string {
  const names = iterationOrder(records.map(({ name }) => name)).reduce(combine, 0n);
  const checksums = records
    .filter(({ byteLength }) => byteLength > 0)
    .reduce((hash, { crc32 }) => combine(hash, BigInt(crc32)), 0n);
  return twentyDigits(names) + twentyDigits(checksums);
}

function twentyDigits(value: bigint): string {
  return value.toString().padStart(20, '0');
}

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);

function combine(seed: bigint, value: bigint): bigint {
  return seed ^ wrap(value + 0x9e3779b9n + (seed << 6n) + (seed >> 2n));
}

/** Multiplier and seed of libstdc++'s hash of strings, a MurmurHash of 64 bits. */
const MULTIPLIER = 0xc6a4a7935bd1e995n;
const SEED = 0xc70f6907n;

function mix(value: bigint): bigint {
  return value ^ (value >> 47n);
}

function hashString(text: string): bigint {
  const bytes = new TextEncoder().encode(text);
  const padded = new DataView(new ArrayBuffer(Math.ceil(bytes.byteLength / 8) * 8));
  new Uint8Array(padded.buffer).set(bytes);
  let hash = SEED ^ wrap(BigInt(bytes.byteLength) * MULTIPLIER);
  for (let at = 0; at < padded.byteLength; at += 8) {
    const word = padded.getBigUint64(at, true);
    const isWhole = at + 8 <= bytes.byteLength;
    const data = isWhole ? wrap(mix(wrap(word * MULTIPLIER)) * MULTIPLIER) : word;
    hash = wrap((hash ^ data) * MULTIPLIER);
  }
  return mix(wrap(mix(hash) * MULTIPLIER));
}

/** Numbers of buckets of libstdc++'s hash set as it grows; the last serves three million records and more. */
const BUCKET_COUNTS = [
  13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10273, 20753, 42043, 85229, 172933, 351061, 712697, 1447153, 2938679,
];

/** A member of the set: all members form one list, in which those of a bucket stand together. */
interface Node {
  readonly hash: bigint;
  next: Node | undefined;
}

/** Hashes of the names in the order in which `std::unordered_set` gives them back. */
function iterationOrder(names: readonly string[]): bigint[] {
  const head: Node = { hash: 0n, next: undefined };
  const counts = BUCKET_COUNTS.values();
  let buckets: Buckets = { count: 1, before: new Map() };
  let room = 0;
  for (const [size, name] of names.entries()) {
    if (size >= room) {
      const count = counts.next().value;
      room = count ?? Infinity;
      if (count !== undefined) buckets = rehash(head, count);
    }
    insert(head, buckets, { hash: hashString(name), next: undefined });
  }
  const order: bigint[] = [];
  for (let node = head.next; node !== undefined; node = node.next) order.push(node.hash);
  return order;
}

/** For each bucket the node before its first one. */
interface Buckets {
  readonly count: number;
  readonly before: Map<number, Node>;
}

function bucketOf({ hash }: Node, { count }: Buckets): number {
  return Number(hash % BigInt(count));
}

/** A new node goes to the front of its bucket; an empty bucket goes to the front of the list. */
function insert(head: Node, buckets: Buckets, node: Node): void {
  const bucket = bucketOf(node, buckets);
  const before = buckets.before.get(bucket) ?? head;
  node.next = before.next;
  before.next = node;
  if (buckets.before.has(bucket)) return;
  buckets.before.set(bucket, head);
  if (node.next !== undefined) buckets.before.set(bucketOf(node.next, buckets), node);
}

/** Growing inserts all nodes again, in the order of the list. */
function rehash(head: Node, count: number): Buckets {
  const buckets: Buckets = { count, before: new Map() };
  let node = head.next;
  head.next = undefined;
  while (node !== undefined) {
    const { next } = node;
    insert(head, buckets, node);
    node = next;
  }
  return buckets;
}
