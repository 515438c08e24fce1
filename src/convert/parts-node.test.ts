/**
 * Parts of a conversion and the rest of it are byte for byte what one run writes, whatever is converted to what.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Tensor, tensorByteLength } from '../formats/tensor.js';
import { openLoras } from '../llama/lora-path-node.js';
import { withLora } from '../llama/lora.js';
import { openModel } from '../llama/open-path-node.js';
import { temporaryFolder } from '../testing/cli.js';
import { FIXTURES, fineTune, modelFolder } from '../testing/fixtures.js';
import { type ConvertPathOptions, convert, finishParts, planConversionTo, planFinishTo } from './convert-path-node.js'; // prettier-ignore
import { readImportance } from './importance-path-node.js';
import { parseMetadataOverride } from './metadata-overrides.js';

/** Every file of a folder by name, with its SHA-256. */
function contents(folder: string): Record<string, string> {
  const hash = (name: string): string => createHash('sha256').update(readFileSync(join(folder, name))).digest('hex'); // prettier-ignore
  return Object.fromEntries(readdirSync(folder).sort().map((name) => [name, hash(name)])); // prettier-ignore
}

/** Converts in one run and in parts, last part first, and gives both folders. */
async function bothWays(source: string, options: ConvertPathOptions, count: number): Promise<[string, string]> {
  const name = options.to === 'gguf' ? 'model.gguf' : '';
  const [one, parts] = [join(temporaryFolder(), 'one'), join(temporaryFolder(), 'parts')];
  await using model = await openModel(source);
  await convert(model, join(one, name), options);
  for (let number = count; number >= 1; number--) {
    // each opens the source itself, as processes of their own would
    await using again = await openModel(source);
    await convert(again, join(parts, name), { ...options, part: { number, count } });
  }
  await using last = await openModel(source);
  await finishParts(last, join(parts, name), options);
  return [one, parts];
}

const MODEL = modelFolder('llama3.2-tiny');

const CASES: [string, string, ConvertPathOptions, number][] = [
  ['safetensors', MODEL, { to: 'safetensors', maxShardSize: 500_000 }, 3],
  ['safetensors without a lock file', MODEL, { to: 'safetensors', maxShardSize: 500_000, lock: false }, 2],
  ['safetensors as float16', MODEL, { to: 'safetensors', type: 'f16', maxShardSize: 500_000 }, 4],
  ['one file of safetensors', MODEL, { to: 'safetensors' }, 3],
  ['a split GGUF file', MODEL, { to: 'gguf', splitMaxSize: 400_000 }, 3],
  ['a split GGUF file without a lock file', MODEL, { to: 'gguf', splitMaxSize: 400_000, lock: false }, 3],
  ['a quantized GGUF file', MODEL, { to: 'gguf', type: 'q4_k_m', splitMaxSize: 200_000 }, 3],
  ['a whole GGUF file', MODEL, { to: 'gguf', type: 'q8_0' }, 2],
  ['shards of Meta', MODEL, { to: 'meta', shards: 2 }, 2],
  ['shards of Meta without a lock file', MODEL, { to: 'meta', shards: 2, lock: false }, 3],
  ['shards of Meta from Llama 2', modelFolder('llama2-tiny'), { to: 'meta', shards: 2 }, 3],
  ['merged shards', modelFolder('llama3-tiny-4shards'), { to: 'safetensors', maxShardSize: 500_000 }, 2],
  ['a vision model', modelFolder('llama3.2-vision-tiny'), { to: 'safetensors', maxShardSize: 500_000 }, 3],
  ['Llama 4', join(FIXTURES, 'families/llama4-2shards'), { to: 'safetensors', maxShardSize: 100_000 }, 3],
];

describe('parts of a conversion', () => {
  it.each(CASES)('are the single run: %s', async (_, source, options, count) => {
    const [one, parts] = await bothWays(source, options, count);
    expect(contents(parts)).toEqual(contents(one));
  });

  it('are the single run with an importance matrix, an adapter and metadata', async () => {
    const importance = await readImportance(join(FIXTURES, 'imatrix/tiny.gguf'));
    const metadata = [parseMetadataOverride('general.author=me')];
    const options: ConvertPathOptions = { to: 'gguf', type: 'q4_k_s', importance, metadata, splitMaxSize: 200_000 };
    const [one, parts] = await bothWays(MODEL, options, 3);
    expect(contents(parts)).toEqual(contents(one));

    const [whole, dealt] = [join(temporaryFolder(), 'one'), join(temporaryFolder(), 'parts')];
    const asked = { to: 'safetensors', maxShardSize: 500_000 } as const;
    await using model = await openModel(fineTune('llama3-korean-tiny'));
    await using adapters = await openLoras([fineTune('adapter')]);
    const adapted = withLora(model, adapters.all);
    await convert(adapted, whole, asked);
    for (const number of [1, 2]) await convert(adapted, dealt, { ...asked, part: { number, count: 2 } });
    await finishParts(adapted, dealt, asked);
    expect(contents(dealt)).toEqual(contents(whole));
  });

  it('may differ in number, and overlap', async () => {
    const asked = { to: 'safetensors', maxShardSize: 500_000 } as const;
    const [one, parts] = [join(temporaryFolder(), 'one'), join(temporaryFolder(), 'parts')];
    await using model = await openModel(MODEL);
    await convert(model, one, asked);
    await convert(model, parts, { ...asked, part: { number: 1, count: 2 } });
    await expect(finishParts(model, parts, asked)).rejects.toMatchObject({ code: 'convert/part-missing' });
    for (const number of [1, 2, 3]) await convert(model, parts, { ...asked, part: { number, count: 3 }, force: true });
    await finishParts(model, parts, asked);
    expect(contents(parts)).toEqual(contents(one));
  });

  it('are finished without reading the weights', async () => {
    const asked = { to: 'meta', shards: 2 } as const;
    const parts = join(temporaryFolder(), 'parts');
    await using model = await openModel(MODEL);
    for (const number of [1, 2]) await convert(model, parts, { ...asked, part: { number, count: 2 } });
    let read = 0;
    const counting = [...model.tensors].map(([name, tensor]): [string, Tensor] => {
      const readRows: Tensor['readRows'] = async (...args) => {
        const bytes = await tensor.readRows(...args);
        read += bytes.byteLength;
        return bytes;
      };
      return [name, { ...tensor, readRows }];
    });
    await finishParts({ ...model, tensors: new Map(counting) }, parts, asked);
    const weights = [...model.tensors.values()].reduce((sum, tensor) => sum + tensorByteLength(tensor), 0);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(weights / 50);
  });

  it('are planned without being written', async () => {
    const asked = { to: 'safetensors', maxShardSize: 500_000 } as const;
    const folder = temporaryFolder();
    await using model = await openModel(MODEL);
    const whole = await planConversionTo(model, folder, asked);
    const plans = await Promise.all(
      [1, 2, 3].map((number) => planConversionTo(model, folder, { ...asked, part: { number, count: 3 } })),
    );
    const names = plans.flatMap(({ files }) => files.slice(0, -1).map(({ name }) => name));
    expect(names.sort()).toEqual(whole.files.map(({ name }) => name).filter((name) => name.startsWith('model-')));
    expect(plans.map(({ files }) => files.at(-1)?.name)).toEqual(
      [1, 2, 3].map((number) => `llama-inspect.part-0000${number}-of-00003.json`),
    );
    await expect(planFinishTo(model, folder, asked)).rejects.toMatchObject({ code: 'convert/part-missing' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leave nothing for parts beyond the number of files', async () => {
    const folder = join(temporaryFolder(), 'none');
    await using model = await openModel(MODEL);
    const { plan, wasThere } = await convert(model, folder, { to: 'safetensors', part: { number: 2, count: 2 } });
    expect([plan.files, plan.byteLength, wasThere]).toEqual([[], 0, undefined]);
    expect(plan.warnings).toContain(
      'the weights are in one file, so not all of the 2 parts have any: a smaller --max-shard-size makes more',
    );
    expect(() => readdirSync(folder)).toThrow('ENOENT');
  });

  it('do away with what a killed run of them left', async () => {
    const asked = { to: 'safetensors', maxShardSize: 500_000 } as const;
    const folder = temporaryFolder();
    const left = '.model-00001-of-00008.safetensors.0123456789ab.partial';
    const foreign = ['.model-00001-of-00008.safetensors.partial', '.other.safetensors.0123456789ab.partial'];
    await using model = await openModel(MODEL);
    const { files } = await planConversionTo(model, folder, asked);
    expect(files[0]?.name).toBe('model-00001-of-00008.safetensors');
    for (const name of [left, ...foreign]) writeFileSync(join(folder, name), 'half');
    const own = { number: 1, count: 1 };
    await convert(model, folder, { ...asked, part: own });
    expect(readdirSync(folder)).not.toContain(left);
    writeFileSync(join(folder, left), 'half');
    await finishParts(model, folder, asked);
    expect(readdirSync(folder).sort()).toEqual([...foreign, ...files.map(({ name }) => name)].sort());
  });
});
