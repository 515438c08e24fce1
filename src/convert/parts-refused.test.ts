/**
 * Parts that are not of one conversion, or not as they were written, are never put together.
 *
 * @module
 */
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-path-node.js';
import { temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { type ConvertPathOptions, convert, finishParts } from './convert-path-node.js';
import { memoryOutput } from './output.js';

const ASKED = { to: 'safetensors', maxShardSize: 700_000 } as const;
const SECOND = 'llama-inspect.part-00002-of-00003.json';
/** Written by part 2 of 3, as its record says. */
const SHARD = 'model-00001-of-00005.safetensors';

let source = '';
let parts = '';

beforeEach(async () => {
  const place = temporaryFolder();
  source = join(place, 'source');
  parts = join(place, 'parts');
  cpSync(modelFolder('llama3.2-tiny'), source, { recursive: true });
  for (const number of [1, 2, 3]) await part(number);
});

async function withModel<T>(action: (model: LlamaModel) => Promise<T>): Promise<T> {
  await using model = await openModel(source);
  return await action(model);
}

const part = (number: number, options: Partial<ConvertPathOptions> = {}) =>
  withModel((model) => convert(model, parts, { ...ASKED, ...options, part: { number, count: 3 } }));

const finish = (options: Partial<ConvertPathOptions> = {}) =>
  withModel((model) => finishParts(model, parts, { ...ASKED, ...options }));

/** Expects that finishing is refused and leaves everything as it is. */
async function expectRefused(code: string, message: RegExp, options: Partial<ConvertPathOptions> = {}): Promise<void> {
  const before = readdirSync(parts);
  await expect(finish(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  expect(readdirSync(parts)).toEqual(before);
}

function editRecord(edit: (record: Record<string, unknown>) => unknown): void {
  const path = join(parts, SECOND);
  writeFileSync(path, JSON.stringify(edit(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>)));
}

describe('finishParts', () => {
  it('names the part that is missing, or all of them', async () => {
    rmSync(join(parts, SECOND));
    await expectRefused('convert/part-missing', /^part 2\/3 is missing$/);
    rmSync(join(parts, 'llama-inspect.part-00003-of-00003.json'));
    await expectRefused('convert/part-missing', /^parts 2\/3, 3\/3 are missing$/);
    rmSync(join(parts, 'llama-inspect.part-00001-of-00003.json'));
    await expectRefused('convert/part-missing', /^no part of this conversion is here$/);
  });

  it('refuses a shard that was cut off, changed in its header, or removed after its part', async () => {
    const path = join(parts, SHARD);
    const whole = readFileSync(path);
    truncateSync(path, whole.byteLength - 1);
    const cut = `^it has ${whole.byteLength - 1} bytes where part 2/3 wrote ${whole.byteLength}$`;
    await expectRefused('convert/part-damaged', new RegExp(cut));
    const damaged = Buffer.from(whole);
    damaged[20]! ^= 1;
    writeFileSync(path, damaged);
    await expectRefused('convert/part-damaged', /^its bytes from 0 on are not what part 2\/3 wrote there$/);
    rmSync(path);
    await expectRefused('convert/part-damaged', /^part 2\/3 wrote this file, and it is gone$/);
    await part(2, { force: true });
    await finish();
    expect(readFileSync(path).equals(whole)).toBe(true);
  });

  it('refuses parts that were asked for something else', async () => {
    const other = 'convert/part-mismatch';
    await expectRefused(other, /option type is not given, and here it is "f16"$/, { type: 'f16' });
    await expectRefused(other, /option lock is true, and here it is false$/, { lock: false });
    await expectRefused(other, /option chatTemplate is not given, and here it is null$/, { chatTemplate: null });
    await part(2, { force: true, maxShardSize: 800_000 });
    await expectRefused(other, /^part 2\/3 is of another conversion: its option maxShardSize is 800000, and here it is 700000$/); // prettier-ignore
  });

  it('refuses parts of another source with the same names, sizes and hyperparameters', async () => {
    const weights = join(source, 'consolidated.00.pth');
    await withModel(async (model) => {
      const row = Buffer.from(await model.tensors.get('norm.weight')!.readRows(0, 1));
      const at = readFileSync(weights).indexOf(row);
      const changed = readFileSync(weights);
      changed[at]! ^= 1;
      rmSync(weights);
      writeFileSync(weights, changed);
    });
    rmSync(join(source, 'checklist.chk'));
    await expectRefused('convert/part-mismatch', /the files or weights of its source are others$/);
  });

  it('refuses parts that another version wrote', async () => {
    editRecord((record) => ({ ...record, tool: '9.9.9' }));
    await expectRefused('convert/part-mismatch', /llama-inspect 9\.9\.9 wrote it, and this is /);
  });

  it('refuses records that are none, and such as say something else than the plan', async () => {
    const whole = readFileSync(join(parts, SECOND), 'utf8');
    const record = JSON.parse(whole) as { files: { sha256: string }[]; tensors: object[] };
    const [first, ...rest] = record.files;
    const records: [string, unknown][] = [
      ['not JSON', '{'],
      ['another type', { ...record, type: 'x' }],
      ['no part', { ...record, part: { number: 1.5, count: 3 } }],
      ['a part of none', { ...record, part: { number: 1, count: 0 } }],
      ['a part beyond the last', { ...record, part: { number: 4, count: 3 } }],
      ['a part of more than there can be', { ...record, part: { number: 1, count: 2 ** 40 } }],
      ['no digest', { ...record, plan: 'x' }],
      ['files that are no list', { ...record, files: {} }],
      ['a file without a name', { ...record, files: [{ ...first, name: 1 }] }],
      ['a file with another size', { ...record, files: [{ ...first, byteLength: 1 }, ...rest] }],
      ['a file without its hash', { ...record, files: [{ ...first, sha256: null }, ...rest] }],
      ['a tensor of no type', { ...record, tensors: [{ ...record.tensors[0], dtype: 'x' }] }],
      ['null', null],
    ];
    for (const [what, value] of records) {
      writeFileSync(join(parts, SECOND), typeof value === 'string' ? value : JSON.stringify(value));
      await expect(finish(), what).rejects.toMatchObject({ code: 'convert/part-damaged' });
    }
    writeFileSync(join(parts, SECOND), JSON.stringify({ ...record, tensors: [] }));
    await expectRefused('convert/part-damaged', /^no record of a part has a fingerprint of /);
    const twice = { ...record, part: { number: 1, count: 9 }, files: [{ ...first, sha256: 'a'.repeat(64) }] };
    writeFileSync(join(parts, SECOND), whole);
    writeFileSync(join(parts, 'llama-inspect.part-00001-of-00009.json'), JSON.stringify(twice));
    await expectRefused('convert/part-mismatch', /^it has another hash of model-/);
  });

  it('refuses to finish twice, and to write over what is there', async () => {
    writeFileSync(join(parts, 'config.json'), 'mine');
    await expectRefused('convert/exists', /^this file exists already$/);
    await finish({ force: true });
    expect(readFileSync(join(parts, 'config.json'), 'utf8')).not.toBe('mine');
    expect(readdirSync(parts).filter((name) => name.includes('.part-'))).toEqual([]);
    await expectRefused('convert/part-missing', /^no part of this conversion is here$/);
  });
});

describe('a part', () => {
  it('is not written again when it is there, and with force is', async () => {
    const path = join(parts, SHARD);
    const whole = readFileSync(path);
    expect(await part(2)).toMatchObject({ wasThere: true });
    const last = Buffer.from(whole);
    last[last.length - 1]! ^= 1;
    writeFileSync(path, last);
    expect(await part(2, { force: true })).not.toHaveProperty('wasThere');
    expect(readFileSync(path).equals(whole)).toBe(true);
  });

  it('is refused where it is there damaged, and where another conversion has begun', async () => {
    truncateSync(join(parts, SHARD), 10);
    await expect(part(2)).rejects.toMatchObject({ code: 'convert/part-damaged', hint: 'run part 2/3 again with --force' }); // prettier-ignore
    rmSync(join(parts, SECOND));
    await expect(part(2, { type: 'f16' })).rejects.toMatchObject({ code: 'convert/part-mismatch' });
    await expect(part(2)).rejects.toMatchObject({ code: 'convert/exists' });
  });

  it('is refused in a finished output, and with force begins it anew', async () => {
    await finish();
    await expect(part(1)).rejects.toMatchObject({ code: 'convert/exists' });
    for (const number of [1, 2, 3]) await part(number, { force: true, type: 'f16' });
    // nothing is left that would speak of the weights as they were
    expect(readdirSync(parts).filter((name) => !/^model-|\.part-/.test(name))).toEqual([]);
    await finish({ type: 'f16' });
    expect(existsSync(join(parts, 'llama-inspect.lock.json'))).toBe(true);
  });

  it('is refused where there can be none, in the folder of its source, and in an output of one’s own', async () => {
    for (const wrong of [
      { number: 0, count: 3 },
      { number: 4, count: 3 },
      { number: 1, count: 0 },
      { number: 1.5, count: 3 },
      { number: 1, count: 10_000 },
    ])
      // prettier-ignore
      await withModel((model) =>
        expect(convert(model, parts, { ...ASKED, part: wrong })).rejects.toMatchObject({ code: 'convert/bad-option' }),
      );
    await withModel(async (model) => {
      const one = { number: 1, count: 2 };
      const beside = join(source, 'x.gguf');
      await expect(convert(model, beside, { to: 'gguf', part: one })).rejects.toMatchObject({ code: 'convert/bad-option' }); // prettier-ignore
      await expect(finishParts(model, beside, { to: 'gguf' })).rejects.toMatchObject({ code: 'convert/bad-option' });
      await expect(convert(model, memoryOutput(), { ...ASKED, part: one })).rejects.toMatchObject({ code: 'convert/bad-option' }); // prettier-ignore
    });
  });

  it('leaves nothing when it is called off', async () => {
    const before = readdirSync(parts);
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error('called off'));
    const options = { force: true, signal: controller.signal, onProgress };
    await expect(part(2, options)).rejects.toThrow('called off');
    expect(readdirSync(parts)).toEqual(before);
    expect(await part(2)).toMatchObject({ wasThere: true });
  });
});
