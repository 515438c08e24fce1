import { describe, expect, it } from 'vitest';

import { planConversion } from '../convert/convert.js';
import { inspectFolder } from '../llama/inspect.js';
import type { ReleaseIdentity } from '../llama/identify-release.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly, standInFolder } from '../testing/release-models.js';
import { llama3Vocabulary } from '../testing/llama3-vocabulary.js';
import { identityLines, identityTitle } from './identity.js';
import { inspectionLines } from './inspection.js';
import { renderLines } from './lines.js';

const SHAPED: ReleaseIdentity = {
  ...{ certainty: 'shape', name: 'Llama 3.2 1B', releases: ['Llama-3.2-1B', 'Llama-3.2-1B-Instruct'] },
  ...{ variant: undefined, variantByName: false, contextLength: 131072, licences: ['llama3.2'], compared: [] },
};
const compared = (name: string, ...sameAs: string[]) => ({ name, sha256: 'abc', sameAs });

const shown = (identity: Partial<ReleaseIdentity>, contextIsShown = true): string =>
  renderLines(identityLines({ ...SHAPED, ...identity }, contextIsShown));

describe('the identity of a checkpoint', () => {
  it('is exact or a shape', () => {
    expect(identityTitle({ certainty: 'exact', name: 'Llama-3.2-1B' })).toBe("exactly Meta's Llama-3.2-1B");
    expect(identityTitle(SHAPED)).toBe('shaped like Llama 3.2 1B');
  });

  it('names what was compared, and that the weights were not', () => {
    const exact: Partial<ReleaseIdentity> = {
      ...{
        certainty: 'exact',
        name: 'Llama-3.2-1B-Instruct',
        releases: ['Llama-3.2-1B-Instruct'],
        variant: 'instruct',
      },
      compared: ['checklist.chk', 'params.json', 'tokenizer.model'].map((name) =>
        compared(name, 'Llama-3.2-1B-Instruct'),
      ),
    };
    expect(shown(exact)).toBe(`  exactly Meta's Llama-3.2-1B-Instruct: checklist.chk, params.json and
    tokenizer.model have the published hashes; verify hashes the weights too
  instruct · licence llama3.2
`);
  });

  it('says of a shape no more than is known', () => {
    expect(shown({})).toBe('  shaped like Llama 3.2 1B\n  licence llama3.2\n');
    expect(shown({ compared: [compared('params.json', 'Llama-3.2-1B'), compared('config.json')] })).toBe(
      '  shaped like Llama 3.2 1B; params.json has the published hash\n  licence llama3.2\n',
    );
    const two = { licences: ['llama3.1', 'llama3.3'], variant: 'instruct', variantByName: true } as const;
    expect(shown(two, false)).toContain('  instruct by its name · context 131072 · licence llama3.1 or llama3.3\n');
    expect(shown({ contextLength: undefined }, false)).not.toContain('context');
  });
});

describe('inspecting a folder in the shape of a release', () => {
  it.each([
    ['Llama-3.2-1B-Instruct', LLAMA_3_2_1B, 'Llama 3.2 1B', '1.24 B parameters   2.47 GB', 'llama3.2'],
    ['Llama-3.1-8B-Instruct', LLAMA_3_1_8B, 'Llama 3.1 8B', '8.03 B parameters   16.1 GB', 'llama3.1'],
  ] as const)('%s', async (name, config, shape, size, licence) => {
    const model = { ...shapeOnly(config, name), vocabulary: llama3Vocabulary(true) };
    const folder = standInFolder(planConversion(model, { to: 'safetensors' }).files, name);
    const inspection = await inspectFolder(folder);
    expect(inspection.identity).toMatchObject({ certainty: 'shape', releases: [name], licences: [licence] });
    expect(renderLines(inspectionLines(inspection)).split('\n').slice(1, 5)).toEqual([
      `  ${size}`,
      `  shaped like ${shape}; config.json and generation_config.json have the`,
      '    published hashes',
      `  instruct · licence ${licence}`,
    ]);
  });
});
