// @ts-check
/**
 * What the packages do that this project tests against but does not build on.
 *
 * Prints the figures of `docs/dependencies.md`; run it again when a version changes:
 * `node scripts/measure-dependencies.mjs`.
 *
 * @module
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { parseRawMetadata } from 'gguf';
import JSZip from 'jszip';
import { Parser } from 'pickleparser';
import yauzl from 'yauzl';

const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));
const CHECKPOINTS = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.pth'),
);

/** @param {() => unknown} run */
async function outcome(run) {
  try {
    return await run();
  } catch (error) {
    return `throws "${error instanceof Error ? error.message : String(error)}"`;
  }
}

/** @param {string} name @param {(bytes: Buffer) => Promise<unknown>} open */
async function countOpened(name, open) {
  const refusals = [];
  for (const file of CHECKPOINTS) {
    const found = await outcome(() => open(readFileSync(join(FIXTURES, file))).then(() => undefined));
    if (found !== undefined) refusals.push(found);
  }
  console.log(`${name}: ${CHECKPOINTS.length - refusals.length} of ${CHECKPOINTS.length} .pth files opened`);
  if (refusals.length > 0) console.log(`  the first ${refusals[0]}`);
}

/** The archive without the ZIP64 records between the directory and the end record. @param {Buffer} archive */
function withoutZip64(archive) {
  const end = archive.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const directoryEnd = archive.readUInt32LE(end + 16) + archive.readUInt32LE(end + 12);
  return Buffer.concat([archive.subarray(0, directoryEnd), archive.subarray(end)]);
}

async function measureZip() {
  await countOpened('jszip', (bytes) => JSZip.loadAsync(bytes));
  await countOpened('jszip, ZIP64 records taken out', (bytes) => JSZip.loadAsync(withoutZip64(bytes)));
  await countOpened('yauzl', promisify(yauzl.fromBuffer));
}

/** A pickle of protocol 2 with these opcodes. @param {(number | string)[]} parts */
const pickle = (...parts) =>
  Buffer.concat(
    [[0x80, 2], ...parts, [0x2e]].flat().map((part) => Buffer.from(typeof part === 'number' ? [part] : part)),
  );

const NOTHING_CALLED = {
  nameResolver: {
    resolve: (/** @type {string} */ _, /** @type {string} */ name) =>
      name === 'OrderedDict' ? () => new Map() : (/** @type {unknown[]} */ ...args) => ({ name, args }),
  },
  persistentResolver: { resolve: (/** @type {unknown} */ id) => ({ id }) },
};

async function measurePickle() {
  await countOpened('pickleparser', async (bytes) => {
    const archive = await JSZip.loadAsync(withoutZip64(bytes));
    const member = archive.file(/\/data\.pkl$/)[0];
    if (member === undefined) throw new Error('no data.pkl');
    return new Parser({ ...NOTHING_CALLED, unpicklingTypeOfDictionary: 'Map' }).parse(await member.async('uint8array'));
  });
  const parse = (/** @type {Buffer} */ bytes) => outcome(() => new Parser().parse(Uint8Array.from(bytes)));
  const magic = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
  console.log('  LONG1 of -1:', await parse(pickle(0x8a, 1, 0xff)));
  console.log('  LONG1 of 10 bytes, which opens every old torch file:', await parse(pickle(0x8a, 10, ...magic)));
  console.log('  LONG4 of -1:', await parse(pickle(0x8b, 1, 0, 0, 0, 0xff)));
  console.log('  BINGET of an item never stored:', await parse(pickle(0x68, 7)));
  const key = (/** @type {string} */ text) => [0x58, text.length, 0, 0, 0, text];
  const proto = await parse(pickle(0x7d, ...key('__proto__'), 0x7d, ...key('admin'), 0x88, 0x73, 0x73));
  console.log(
    '  {"__proto__": {"admin": True}}: own keys',
    Object.keys(Object(proto)),
    'and .admin is',
    Object(proto).admin,
  );
}

async function measureSafetensors() {
  const { SafeTensor } = createRequire(import.meta.url)('safetensors');
  const tensor = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
  for (const header of [{ a: tensor }, { __metadata__: { format: 'pt' }, a: tensor }]) {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(8 + text.length + 4);
    bytes[0] = text.length;
    bytes.set(text, 8);
    const found = await outcome(() => `${new SafeTensor(bytes).getTensor('a').length} bytes of tensor a`);
    console.log(`safetensors, header with ${Object.keys(header).join(' and ')}:`, found);
  }
}

async function measureGguf() {
  const folder = mkdtempSync(join(tmpdir(), 'gguf-'));
  const path = join(folder, 'small.gguf');
  const u64 = (/** @type {number} */ n) => Buffer.from(new BigUint64Array([BigInt(n)]).buffer);
  const string = (/** @type {string} */ text) => Buffer.concat([u64(text.length), Buffer.from(text)]);
  const version3 = [Buffer.from('GGUF\x03\0\0\0'), u64(0), u64(1)];
  const header = Buffer.concat([
    ...version3,
    string('general.architecture'),
    Buffer.from([8, 0, 0, 0]),
    string('llama'),
  ]);
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  for (const size of [header.length, 10 * 2 ** 20 - 1, 10 * 2 ** 20]) {
    writeFileSync(path, Buffer.concat([header, Buffer.alloc(size - header.length)]));
    const { error, ...found } = await parseRawMetadata(path);
    console.log(`gguf, a file of ${size} bytes:`, error ? `error "${error.message}"` : JSON.stringify(found));
  }
  console.log(`  ${descriptors() - before} of 3 files left open`);
  rmSync(folder, { recursive: true });
}

await measureZip();
await measurePickle();
await measureSafetensors();
await measureGguf();
