/**
 * What the registry of releases adds to a verification, for a person.
 *
 * @module
 */
import type { KnownRelease } from '../integrity/files-report.js';
import { BAD, GOOD, NEITHER } from './findings.js';
import { type Line, shown, wrap } from './lines.js';
import { exactSize } from './numbers.js';

/**
 * The release that a folder was held against, and sizes that are not as published.
 *
 * @param known - what the registry said
 * @param width - columns of the names before the findings
 */
export function knownReleaseLines({ release, by, sizes }: KnownRelease, width: number): Line[] {
  if (by === 'checklist.chk') return [['  ', GOOD, ` ${by.padEnd(width)}  the list published with ${release}`]];
  const why = by === 'name' ? "by the folder's name" : 'by its params.json';
  const wrong = sizes.filter(({ expected, found }) => expected !== found);
  return [
    ...wrong.map(({ name, expected, found }): Line => {
      const what = `${exactSize(expected)} published, ${exactSize(found)} found`;
      return ['  ', BAD, ` ${shown(name).padEnd(width)}  ${what}`];
    }),
    ['  ', NEITHER, ` ${'registry'.padEnd(width)}  no list names the weights: held against ${release},`],
    ...wrap(`${why}; --json tells where its hashes come from`, 6 + width),
  ];
}
