/**
 * The whole zoo against what real PyTorch said of each file.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { python3Name } from '../../pickle/names.js';
import { memorySource } from '../../source/memory.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { scanFile } from './scan-file.js';
import type { ScannedFile, ScannedGlobal } from './scan-report.js';

const ZOO = join(FIXTURES, 'zoo');

interface ZooFile {
  readonly file: string;
  readonly category: string;
  readonly format: string;
  readonly outcome: 'read' | 'refuse' | 'either';
  readonly weights_only?: { readonly ok: boolean; readonly error?: string };
  readonly globals?: readonly string[];
}

const FILES = (JSON.parse(readFileSync(join(ZOO, 'expected.json'), 'utf8')) as { files: ZooFile[] }).files.filter(
  ({ file }) => statSync(join(ZOO, file)).isFile(),
);

async function scanned(file: string): Promise<ScannedFile> {
  const result = await scanFile(memorySource(readFileSync(join(ZOO, file)), file), { required: true });
  if ('what' in result) throw new Error(`${file} was not scanned`);
  return result;
}

const globalsOf = ({ pickles }: ScannedFile): ScannedGlobal[] => pickles.flatMap(({ globals }) => globals);

/** Python 3's name, which the oracle uses. */
function nameOf({ name }: ScannedGlobal): string {
  const dot = name.lastIndexOf('.');
  const found = python3Name({ module: name.slice(0, dot), name: name.slice(dot + 1) });
  return `${found.module}.${found.name}`;
}

/** Files in which something else than a global is a finding, with the kinds. */
const OTHER_FINDINGS: Readonly<Record<string, readonly string[]>> = {
  'legacy_trailing_bytes.pt': ['bytes-after'],
  'zip_prefix_junk.pt': ['bytes-before'],
  'zip_prefix_junk_offsets.pt': ['bytes-before'],
  'zip_comment_signature.pt': ['archive-structure'],
};

describe('a scan', () => {
  it('names every global that PyTorch met, in every file', async () => {
    let compared = 0;
    for (const { file, globals = [] } of FILES) {
      const found = new Set(globalsOf(await scanned(file)).map(nameOf));
      expect([file, globals.filter((name) => !found.has(name))]).toEqual([file, []]);
      compared += globals.length;
    }
    expect(compared).toBeGreaterThan(500);
  });

  it('finds nothing in what torch.load(weights_only=True) accepts, but bytes that belong to nothing', async () => {
    let clean = 0;
    for (const { file, outcome, weights_only: safe } of FILES) {
      if (outcome !== 'read' || safe?.ok !== true) continue;
      const { verdict, error, findings } = await scanned(file);
      const expected = OTHER_FINDINGS[file] ?? [];
      expect([file, error, findings.map(({ rule }) => rule)]).toEqual([file, null, expected]);
      expect(verdict).toBe(expected.length === 0 ? 'clean' : 'findings');
      clean += 1;
    }
    expect(clean).toBe(137);
  });

  it('is clean only where every global is on the list', async () => {
    for (const { file } of FILES) {
      const result = await scanned(file);
      if (result.verdict !== 'clean') continue;
      expect([file, globalsOf(result).filter(({ class: kind }) => kind === 'unknown' || kind === 'dangerous')]).toEqual(
        [file, []],
      );
    }
  });

  it('says of each name what weights_only says', async () => {
    for (const { file, weights_only: safe } of FILES) {
      const blocked = /(?:GLOBAL|global) ([\w.]+) was not an allowed global/.exec(safe?.error ?? '')?.[1];
      if (blocked === undefined) continue;
      const found = globalsOf(await scanned(file)).find(
        (global) => nameOf(global) === blocked || global.name === blocked,
      );
      expect([file, blocked, found?.weightsOnly]).toEqual([file, blocked, false]);
    }
  });

  it.each(FILES.filter(({ category }) => category === 'danger').map(({ file }) => file))(
    'calls %s dangerous',
    async (file) => {
      const { verdict, findings } = await scanned(file);
      expect(verdict).toBe('findings');
      const danger = findings.find(({ rule }) => rule === 'dangerous-global');
      expect(danger).toMatchObject({
        member: expect.stringMatching(/data\.pkl$/) as unknown,
        opcode: expect.any(String) as unknown,
      });
      expect(danger?.fileOffset).toBeGreaterThan(danger?.offset ?? NaN);
    },
  );

  it('tells every shape of file', async () => {
    const expected: Readonly<Record<string, string>> = {
      zip: 'torch',
      legacy: 'torch-legacy',
      tar: 'torch-tar',
      torchscript: 'torchscript',
      pt2: 'exported-program',
      package: 'torch-package',
      dcp: 'torch',
    };
    for (const { file, format, outcome } of FILES) {
      if (outcome === 'refuse' && format !== 'package') continue;
      const { format: found, error } = await scanned(file);
      if (format in expected) expect([file, found, error]).toEqual([file, expected[format], null]);
    }
  });

  it('can look into nothing that is no archive and no pickle, and says what it is', async () => {
    for (const { file, category, format } of FILES) {
      if (category !== 'refuse' || format !== 'none') continue;
      const { verdict, error } = await scanned(file);
      const isScanned =
        /not_(?:safetensors|gguf|plain_pickle|plain_pickle_p4|npy|npz|zip_docx)\b/.test(file) || verdict === 'findings';
      expect([file, verdict, error === null]).toEqual([file, isScanned ? verdict : 'unreadable', isScanned]);
    }
  });
});
