import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import * as hashing from '../integrity/hash-pool-node.js';
import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');
const SHARDS = modelFolder('llama3-tiny-4shards');

afterEach(() => vi.unstubAllEnvs());

describe('--jobs', () => {
  it.each(['0', '-1', '1.5', 'two', '1000', ''])('refuses %j', async (count) => {
    for (const args of [
      ['verify', MODEL],
      ['lock', MODEL],
      ['logits', MODEL, '--tokens', '1'],
      ['check', MODEL, MODEL],
      ['convert', MODEL, '--to', 'gguf', '--output', 'x.gguf'],
    ]) {
      expect(await llamaInspect(...args, `--jobs=${count}`)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(
          `error: option '--jobs <count>' argument '${count}' is invalid. A whole number from 1 to 999 was expected.   [cli/usage]`,
        ) as string,
      });
    }
  });

  it.each([
    ['logits', MODEL, '--tokens', '5,6,7,8,9,10'],
    ['check', MODEL, SHARDS],
    ['verify', SHARDS],
  ])('changes nothing in what %s says', async (...args) => {
    const [one, three] = [await llamaInspectJson(...args, '--jobs', '1'), await llamaInspectJson(...args, '--jobs=3')];
    expect(three).toEqual(one);
    expect(one).toEqual(await llamaInspectJson(...args));
  });

  it('changes no byte of what convert writes', async () => {
    const folder = temporaryFolder();
    const written = async (jobs: string): Promise<Buffer[]> => {
      const place = join(folder, jobs);
      mkdirSync(place);
      const output = join(place, 'out.gguf');
      const args = ['convert', MODEL, '--to', 'gguf', '--type', 'q8_0', '--output', output, '--jobs', jobs];
      expect(await llamaInspect(...args)).toMatchObject({ code: 0 });
      const names = readdirSync(place).sort();
      expect(names).toEqual(['out.gguf', 'out.gguf.llama-inspect.lock.json']);
      return names.map((name) => readFileSync(join(place, name)));
    };
    expect(await written('1')).toEqual(await written('3'));
  });

  it('says how many threads hash; none do where kernels are turned off', async () => {
    const onDisk = vi.spyOn(hashing, 'hashingOnDisk');
    await llamaInspect('verify', SHARDS, '--jobs', '5');
    expect(onDisk.mock.lastCall?.[0]).toMatchObject({ threads: 5 });
    vi.stubEnv('LLAMA_INSPECT_KERNELS', 'off');
    await llamaInspect('verify', SHARDS, '--jobs', '5');
    expect(onDisk.mock.lastCall?.[0]).toMatchObject({ hashFiles: expect.any(Function) as unknown });
  });
});
