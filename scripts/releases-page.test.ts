/**
 * The page of releases is what the registry gives.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { RELEASES } from '../src/llama/releases/catalogue.js';
import { RELEASES_PAGE, releasesPage } from './releases-page.mjs';

describe('docs/releases.md', () => {
  it('is current: run `npm run build && node scripts/releases-page.mjs` when this fails', async () => {
    expect(await readFile(RELEASES_PAGE, 'utf8')).toBe(await releasesPage(RELEASES));
  });

  it('names every release', async () => {
    const page = await releasesPage(RELEASES);
    expect(RELEASES.filter(({ id }) => !page.includes(`| ${id} `))).toEqual([]);
  });
});
