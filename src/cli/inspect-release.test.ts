/**
 * `inspect` on folders with the shape of a release: the files are sparse, as only their headers are read.
 */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { planConversion } from '../convert/convert.js';
import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { knownBytes } from '../testing/planned-files.js';
import { LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';

/** The folder that a conversion of Llama 3.2 1B would write, with holes in place of weights. */
function sparseFolder(name: string): string {
  const path = join(temporaryFolder(), name);
  mkdirSync(path);
  for (const file of planConversion(shapeOnly(LLAMA_3_2_1B, name), { to: 'safetensors' }).files) {
    const known = file.pieces.flatMap((piece) => knownBytes(piece) ?? []);
    writeFileSync(join(path, file.name), Buffer.concat(known));
    truncateSync(join(path, file.name), file.byteLength);
  }
  return path;
}

describe('inspecting the shape of a release', () => {
  it('says what it is shaped like, and with which licence', async () => {
    const path = sparseFolder('Llama-3.2-1B');
    const { code, stdout } = await llamaInspect('inspect', path);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}shaped like Llama 3\.2 1B\n {2}licence llama3\.2\n/m);
    const { answer } = await llamaInspectJson<{ identity: object }>('inspect', path);
    expect(answer.identity).toMatchObject({
      ...{ certainty: 'shape', name: 'Llama 3.2 1B', releases: ['Llama-3.2-1B', 'Llama-3.2-1B-Instruct'] },
      ...{ variant: null, variantByName: false, contextLength: 131072, licences: ['llama3.2'] },
      compared: [
        { name: 'config.json', sameAs: [] },
        { name: 'generation_config.json', sameAs: [] },
      ],
    });
  });

  it('in a list of checkpoints takes one line', async () => {
    const path = sparseFolder('Llama-3.2-1B');
    const { stdout } = await llamaInspect('inspect', join(path, '..'));
    expect(stdout).toContain('shaped like Llama 3.2 1B  1.24 B  2.47 GB');
  });
});
