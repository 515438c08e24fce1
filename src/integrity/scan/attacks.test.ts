/**
 * Files made to be read in two ways, or to hide what they run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { memorySink } from '../../source/byte-sink.js';
import { memorySource } from '../../source/memory.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { assemble, global, int, latin1, op, pickle, repeat, text, utf8 } from '../../testing/pickle-assembler.js';
import { failingSource } from '../../testing/sources.js';
import { torchBytes } from '../../testing/torch-bytes.js';
import { makeWithJszip } from '../../testing/zip.js';
import { zipWriter } from '../../zip/writer.js';
import { scanFile } from './scan-file.js';
import type { ScannedFile } from './scan-report.js';

const BAD = pickle(global('posix', 'system'), op('BINUNICODE', int(4, 2), utf8('ls')), 'TUPLE1', 'REDUCE');
const BAD_2 = assemble(op('PROTO', int(1, 2)), BAD);
const GOOD = pickle(op('PROTO', int(1, 2)), 'EMPTY_DICT');
const ZOO = join(FIXTURES, 'zoo');
const zoo = (name: string): Uint8Array => readFileSync(join(ZOO, name));

async function scanned(bytes: Uint8Array, path = 'x.pt', allow?: readonly string[]): Promise<ScannedFile> {
  const result = await scanFile(memorySource(bytes, path), { path, allow, required: true });
  if ('what' in result) throw new Error('it was not scanned');
  return result;
}

const rules = ({ findings }: ScannedFile): string[] => findings.map(({ rule }) => rule);

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The archive with bytes changed at the first place where `from` stands. */
function replaced(bytes: Uint8Array, from: string, to: string, which = 0): Uint8Array {
  const changed = Buffer.from(bytes);
  let at = -1;
  for (let nth = 0; nth <= which; nth++) at = changed.indexOf(from, at + 1, 'latin1');
  expect(at).toBeGreaterThanOrEqual(0);
  changed.write(to, at, 'latin1');
  return new Uint8Array(changed);
}

describe('pickles are found', () => {
  it('under any name, in any member, deflated or not', async () => {
    for (const deflate of [false, true]) {
      for (const name of ['archive/data.pkl', 'archive/DATA.PKL', 'archive/data/0', 'hidden', 'a/b.txt']) {
        const archive = await makeWithJszip({ 'archive/data.pkl': GOOD, [name]: BAD_2 }, { deflate });
        const { findings, verdict } = await scanned(archive);
        expect([name, verdict]).toEqual([name, 'findings']);
        expect(findings).toContainEqual(
          expect.objectContaining({ rule: 'dangerous-global', member: name, name: 'posix.system', opcode: 'REDUCE' }),
        );
      }
    }
  });

  it('of protocol 0 and 1, which have no head', async () => {
    expect(rules(await scanned(await makeWithJszip({ 'archive/data.pkl': GOOD, 'archive/data/0': BAD })))).toEqual([
      'dangerous-global',
    ]);
    expect(rules(await scanned(BAD))).toEqual(['dangerous-global']);
    expect(rules(await scanned(BAD, 'README.md'))).toEqual(['dangerous-global']);
  });

  it('that break off after the deed', async () => {
    const broken = BAD_2.subarray(0, -1);
    expect(rules(await scanned(broken))).toEqual(['dangerous-global', 'broken-pickle']);
    expect(rules(await scanned(joined(broken, Uint8Array.of(0xff))))).toEqual(['dangerous-global', 'broken-pickle']);
    expect(rules(await scanned(BAD.subarray(0, -1)))).toEqual(['dangerous-global', 'broken-pickle']);
  });

  it('behind the STOP of another one', async () => {
    const { findings, pickles } = await scanned(joined(GOOD, GOOD, BAD_2));
    expect(findings.map(({ rule, offset }) => [rule, offset])).toEqual([
      ['bytes-after-pickle', 4],
      ['dangerous-global', 8 + 24],
    ]);
    expect(pickles.map(({ offset, byteLength }) => [offset, byteLength])).toEqual([
      [0, 4],
      [4, 4],
      [8, BAD_2.length],
    ]);
    expect(rules(await scanned(joined(GOOD, utf8('no pickle'))))).toEqual(['bytes-after-pickle']);
    const many = await scanned(repeat(GOOD, 1001));
    expect(rules(many)).toEqual(['bytes-after-pickle', 'not-scanned']);
  });

  it('in byte strings, and in text that stands for bytes', async () => {
    const bytes = pickle(op('PROTO', int(1, 3)), op('BINBYTES', int(4, BAD_2.length), BAD_2));
    const found = await scanned(bytes);
    expect(found.findings).toMatchObject([{ rule: 'dangerous-global', member: 'bytes at 0x7', fileOffset: 7 + 24 }]);
    const packed = utf8(String.fromCharCode(...BAD_2));
    const asText = pickle(op('PROTO', int(1, 2)), op('BINUNICODE', int(4, packed.length), packed));
    expect((await scanned(asText)).findings).toMatchObject([{ rule: 'dangerous-global', fileOffset: null }]);
    const beyond = utf8(`\u0080\u0002${'Ā'.repeat(8)}`);
    const noBytes = pickle(op('PROTO', int(1, 2)), op('BINUNICODE', int(4, beyond.length), beyond));
    expect(rules(await scanned(noBytes))).toEqual([]);
  });

  it('in archives in archives, as deep as they are entered', async () => {
    let archive: Uint8Array = await torchBytes(BAD_2, {});
    const seen: string[][] = [];
    for (let level = 0; level < 6; level++) {
      seen.push(rules(await scanned(archive)));
      archive = await makeWithJszip({ inner: archive });
    }
    const deep = ['dangerous-global'];
    expect(seen).toEqual([deep, deep, deep, deep, ['not-scanned'], ['not-scanned']]);
  });

  it('behind the header of a NumPy array of objects', async () => {
    const npy = (descr: string, ...data: Uint8Array[]): Uint8Array => {
      const header = `{'descr': ${descr}, 'fortran_order': False, 'shape': (1,), }\n`;
      return joined(latin1('\x93NUMPY\x01\x00'), int(2, header.length), utf8(header), ...data);
    };
    const numbers = Uint8Array.of(0x80, 2, 0x2e);
    const bad = await scanned(npy("'|O'", BAD_2), 'x.npy');
    expect(bad).toMatchObject({ format: 'npy', findings: [{ rule: 'dangerous-global', member: null }] });
    expect(rules(await scanned(npy("[('Offset', '<i8'), ('o', '|O')]", BAD_2)))).toEqual(['dangerous-global']);
    expect(await scanned(npy("[('Offset', '<i8')]", numbers))).toMatchObject({ verdict: 'clean', pickles: [] });
    expect(rules(await scanned(npy('"|O"', BAD_2)))).toEqual(['dangerous-global']);
    const npz = await makeWithJszip({ 'arr_0.npy': npy("'|O'", BAD_2), 'arr_1.npy': npy("'<f4'", numbers) });
    expect((await scanned(npz, 'x.npz')).findings).toMatchObject([{ rule: 'dangerous-global', member: 'arr_0.npy' }]);
    expect(await scanned(latin1('\x93NUMPY\x01'))).toMatchObject({ verdict: 'clean' });
    const long = joined(latin1('\x93NUMPY\x02\x00'), int(4, 70_000), new Uint8Array(70_000).fill(0x20), BAD_2);
    expect(rules(await scanned(long))).toEqual(['dangerous-global']);
  });
});

describe('what no list of names can judge', () => {
  it.each([
    ['unnamed-global', pickle(text('posix'), 'NONE', 'STACK_GLOBAL')],
    ['unnamed-global', pickle(op('GLOBAL', new Uint8Array(40_000).fill(0x61), utf8('\nb\n')))],
    ['extension', pickle(op('EXT1', int(1, 7)))],
    ['computed-call', pickle(global('collections', 'OrderedDict'), 'EMPTY_TUPLE', 'REDUCE', 'EMPTY_TUPLE', 'REDUCE')],
    ['changed-class', pickle(global('collections', 'OrderedDict'), 'EMPTY_DICT', 'BUILD')],
  ])('is a finding: %s', async (rule, bytes) => {
    const archive = await torchBytes(assemble(op('PROTO', int(1, 4)), bytes), {});
    expect(rules(await scanned(archive))).toEqual([rule]);
  });
});

describe('an allow-list of the caller', () => {
  const unknown = pickle(op('PROTO', int(1, 2)), global('mylib.config', 'Config'), 'EMPTY_TUPLE', 'NEWOBJ');

  it('takes a name off the findings, and is told', async () => {
    expect(rules(await scanned(unknown))).toEqual(['unknown-global']);
    const { verdict, pickles } = await scanned(unknown, 'x.pt', ['mylib.config.Config']);
    expect(verdict).toBe('clean');
    expect(pickles[0]?.globals).toMatchObject([{ name: 'mylib.config.Config', class: 'unknown', allowed: true }]);
  });

  it('allows nothing but the very name', async () => {
    for (const name of ['mylib.config', 'mylib', 'mylib.config.Config2', 'Config', 'mylib.*']) {
      expect(rules(await scanned(unknown, 'x.pt', [name]))).toEqual(['unknown-global']);
    }
  });
});

const sound = await torchBytes(GOOD, { version: '3\n' });

describe('an archive that two programs may read differently', () => {
  it('has a name twice, or twice but for case', async () => {
    const twice = replaced(
      replaced(await torchBytes(GOOD, { 'data.pk2': BAD_2 }), 'data.pk2', 'data.pkl'),
      'data.pk2',
      'data.pkl',
    );
    expect(rules(await scanned(twice))).toEqual(['archive-structure', 'dangerous-global']);
    const cased = await torchBytes(GOOD, { 'Data.pkl': BAD_2 });
    expect(rules(await scanned(cased))).toEqual(['archive-structure', 'dangerous-global']);
  });

  it('has another name in a local header than in the directory', async () => {
    const other = await scanned(replaced(sound, 'archive/data.pkl', 'archive/DATA.pkl'));
    expect(other.findings).toMatchObject([{ rule: 'archive-structure', code: 'zip/bad-local-header', fileOffset: 0 }]);
  });

  it('has something before, behind and between its members', async () => {
    const junk = utf8('0123456789');
    expect(rules(await scanned(joined(junk, sound)))).toEqual(['bytes-before']);
    expect(rules(await scanned(joined(sound, junk)))).toEqual(['bytes-after']);
    expect(rules(await scanned(joined(sound, BAD_2)))).toEqual(['bytes-after', 'dangerous-global']);
    const both = rules(await scanned(joined(BAD_2, sound)));
    expect([...both].sort()).toEqual(['bytes-after-pickle', 'bytes-before', 'dangerous-global', 'second-format']);
  });

  it('has bytes between its members, a hidden member among them', async () => {
    // a member taken out of the directory: its entry goes, and the counts of all three end records with it
    const archive = await makeWithJszip({ a: GOOD, b: BAD_2, c: GOOD });
    const view = new DataView(archive.buffer);
    const end = archive.byteLength - 22;
    const directory = view.getUint32(end + 16, true);
    const entry = 46 + 1;
    const bytes = joined(
      archive.subarray(0, directory + entry),
      archive.subarray(directory + 2 * entry, end),
      archive.subarray(end),
    );
    const changed = new DataView(bytes.buffer);
    const newEnd = bytes.byteLength - 22;
    changed.setUint16(newEnd + 8, 2, true);
    changed.setUint16(newEnd + 10, 2, true);
    changed.setUint32(newEnd + 12, 2 * entry, true);
    const hidden = await scanned(bytes, 'x.zip');
    expect(hidden.findings).toMatchObject([
      {
        rule: 'archive-structure',
        code: 'zip/unlisted-bytes',
        message: 'behind "a" at 0x0 lie a member that the directory does not list',
      },
    ]);
  });

  it('has sizes behind a member that contradict the directory', async () => {
    const descriptor = Buffer.from(sound).indexOf('PK\u0007\u0008', 0, 'latin1');
    const changed = Uint8Array.from(sound);
    changed[descriptor + 8]! ^= 1;
    expect((await scanned(changed)).findings).toMatchObject([{ code: 'zip/bad-descriptor', fileOffset: descriptor }]);
  });

  it('has an end record in its comment', async () => {
    const comment = `PK\u0005\u0006${'x'.repeat(10)}`;
    const { findings } = await scanned(await makeWithJszip({ 'a/data.pkl': GOOD }, { comment }));
    expect(findings).toMatchObject([{ rule: 'archive-structure', code: null }]);
    expect(await scanned(await makeWithJszip({ 'a/data.pkl': GOOD }, { comment: 'fine' }))).toMatchObject({
      verdict: 'clean',
    });
  });

  it.each([
    ['a/../../b', 'leads out of the folder'],
    ['/etc/b', 'begins at the root'],
    ['C:/b', 'begins with the letter of a drive'],
    ['a\\b', 'holds a backslash'],
    ['a\0b', 'holds a NUL at 0x1'],
    ['a/./b', 'names one place in more than one way'],
    ['a//b', 'names one place in more than one way'],
    ['x'.repeat(5000), 'has 5000 characters'],
  ])('has a member of the name %#', async (name, what) => {
    const archive = await torchBytes(GOOD, {});
    const renamed = name.length > 100 ? await makeWithJszip({ [name]: GOOD }) : await zipOf(name);
    expect(rules(await scanned(archive))).toEqual([]);
    const { findings } = await scanned(renamed);
    expect(findings).toMatchObject([{ rule: 'member-name', member: name }]);
    expect(findings[0]?.message).toContain(what);
  });

  it('has members that cannot be read', async () => {
    for (const [name, code] of [
      ['bad_zip_encrypted.pt', 'zip/encrypted'],
      ['bad_zip_method.pt', 'zip/unsupported-method'],
      ['bad_zip_deflate_data.pt', 'zip/bad-data'],
    ] as const) {
      const { findings } = await scanned(zoo(name));
      expect([name, findings[0]?.rule, findings[0]?.code]).toEqual([name, 'archive-structure', code]);
    }
  });

  it('has members that unpack to another size than they state, or to too much', async () => {
    const deflated = await makeWithJszip({ 'a/data.pkl': GOOD, 'a/data/0': new Uint8Array(1000) }, { deflate: true });
    const directory = new DataView(deflated.buffer).getUint32(deflated.byteLength - 22 + 16, true);
    const second = directory + 46 + 'a/data.pkl'.length;
    const shorter = Uint8Array.from(deflated);
    new DataView(shorter.buffer).setUint32(second + 24, 999, true);
    const local = new DataView(shorter.buffer).getUint32(second + 42, true);
    new DataView(shorter.buffer).setUint32(local + 22, 999, true);
    expect((await scanned(shorter)).findings).toMatchObject([{ rule: 'archive-structure', code: 'zip/bad-data' }]);
    const lying = Uint8Array.from(shorter);
    new DataView(lying.buffer).setUint32(local + 22, 998, true);
    expect((await scanned(lying)).findings).toMatchObject([{ code: 'zip/bad-local-header' }]);
  });

  it('holds program code', async () => {
    const archive = await makeWithJszip({ 'p/a.py': 'import os', 'p/b.so': 'x', 'p/data.pkl': GOOD });
    expect((await scanned(archive)).findings).toMatchObject([
      { rule: 'code', member: 'p/a.py', message: expect.stringContaining('as 1 more of the archive') as unknown },
    ]);
  });

  it('holds a packed file, which is not looked into', async () => {
    const archive = await makeWithJszip({ 'a/data.pkl': GOOD, 'a/b.7z': latin1('7z\xbc\xaf\x27\x1c\x00') });
    expect((await scanned(archive)).findings).toMatchObject([
      { rule: 'not-scanned', member: 'a/b.7z', message: 'this is a 7-Zip archive, which is not looked into' },
    ]);
  });

  it('has members that share their bytes, of which one is entered', async () => {
    let archive = BAD_2;
    for (let level = 0; level < 4; level++) archive = await listedOften(archive, 200);
    const { findings, pickles } = await scanned(archive);
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['zip/duplicate-name', 'zip/overlap', null]));
    expect(findings).toContainEqual(expect.objectContaining({ rule: 'dangerous-global', member: 'm : m : m : m' }));
    expect(pickles).toHaveLength(1);
  });

  it('stands behind others that are empty, without end', async () => {
    const empty = joined(utf8('PK\u0005\u0006'), new Uint8Array(18));
    const { findings } = await scanned(joined(utf8('x'), repeat(empty, 1000), sound));
    expect(findings.map(({ rule }) => rule)).toContain('bytes-before');
    expect(findings.length).toBeLessThan(20);
  });

  it('stands in a row of archives', async () => {
    const row = joined(sound, await torchBytes(BAD_2, {}), sound);
    const { findings, notes } = await scanned(row);
    const second = `archive at 0x${sound.length.toString(16)}`;
    expect(findings).toMatchObject([
      { rule: 'bytes-before', member: null },
      { rule: 'dangerous-global', member: `${second} : archive/data.pkl` },
    ]);
    expect(notes).toEqual([]);
    const part = await scanned(joined(sound, sound), '__0_0.distcp');
    expect(part).toMatchObject({ verdict: 'clean', notes: [expect.stringContaining('2 archives') as unknown] });
  });
});

/** The archive of one member, listed so many times over. */
async function listedOften(data: Uint8Array, times: number): Promise<Uint8Array> {
  const archive = await makeWithJszip({ m: data });
  const end = archive.byteLength - 22;
  const directory = new DataView(archive.buffer).getUint32(end + 16, true);
  const header = archive.subarray(directory, end);
  const bytes = joined(archive.subarray(0, directory), repeat(header, times), archive.subarray(end));
  const view = new DataView(bytes.buffer, bytes.byteLength - 22);
  view.setUint16(8, times, true);
  view.setUint16(10, times, true);
  view.setUint32(12, times * header.byteLength, true);
  return bytes;
}

/** An archive of one member of any name. */
async function zipOf(name: string): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = zipWriter(sink);
  await writer.add(name, GOOD.byteLength, GOOD);
  await writer.finish();
  return sink.bytes();
}

describe('tensors that are a pickle too', () => {
  it('are found out, though nothing in them should run', async () => {
    // `G` is the opcode of a float of eight bytes
    const gguf = joined(utf8('GGUF'), int(4, 3), int(1, 1), BAD_2);
    expect(rules(await scanned(gguf, 'x.gguf')).sort()).toEqual(['bad-structure', 'dangerous-global', 'second-format']);
    const cut = await scanned(joined(utf8('GGUF'), int(4, 3), int(8, 0)), 'x.gguf');
    expect(cut).toMatchObject({ verdict: 'findings', format: 'gguf', findings: [{ rule: 'bad-structure' }] });
    const header = utf8('{}');
    const empty = joined(int(8, header.length), header);
    expect(await scanned(empty, 'x.safetensors')).toMatchObject({ verdict: 'clean', format: 'safetensors' });
    expect(rules(await scanned(joined(empty, sound), 'x.safetensors')).sort()).toEqual([
      'bad-structure',
      'bytes-before',
      'second-format',
    ]);
  });
});

describe('a file in the form before PyTorch 1.6', () => {
  const legacy = zoo('format_legacy_p2.pt');

  it('may not go on behind its storages', async () => {
    expect(await scanned(legacy)).toMatchObject({ verdict: 'clean', format: 'torch-legacy' });
    const { findings } = await scanned(joined(legacy, BAD_2));
    expect(findings).toMatchObject([
      { rule: 'bytes-after', offset: legacy.length, fileOffset: legacy.length },
      { rule: 'dangerous-global', member: null, offset: legacy.length + 24 },
    ]);
  });

  it('is cut off when its storages are', async () => {
    const { verdict, error } = await scanned(legacy.subarray(0, -1));
    expect([verdict, error?.code]).toEqual(['unreadable', 'torch/cut-off']);
  });

  it('may be another format as well', async () => {
    const both = joined(legacy, await torchBytes(BAD_2, {}));
    const found = rules(await scanned(both));
    expect(found).toContain('second-format');
    expect(found).toContain('dangerous-global');
  });
});

describe('a tar archive', () => {
  const tar = zoo('tar_2016.pt');

  it('is looked through between the storages', async () => {
    const { format, verdict, pickles } = await scanned(tar);
    expect([format, verdict, pickles.length]).toEqual(['torch-tar', 'clean', 10]);
  });

  it('is a finding where it does not keep to its form', async () => {
    const broken = Uint8Array.from(tar);
    broken[148] = 0x39; // the checksum of the first header
    expect((await scanned(broken)).error).toMatchObject({ code: 'torch/tar', offset: 0 });
  });
});

describe('reading', () => {
  it('that fails makes a file unreadable, at whatever read', async () => {
    const bytes = await torchBytes(GOOD, { version: '3\n' });
    for (let n = 0; ; n++) {
      const result = await scanFile(failingSource(memorySource(bytes, 'x.pt'), n), { required: true });
      if ('what' in result) throw new Error('it was not scanned');
      if (result.error === null) break;
      expect(result).toMatchObject({ verdict: 'unreadable', error: { code: 'source/read-failed' } });
      expect(n).toBeLessThan(50);
    }
  });

  it('can be aborted', async () => {
    const source = memorySource(await torchBytes(GOOD, {}), 'x.pt');
    await expect(scanFile(source, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
