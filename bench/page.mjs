#!/usr/bin/env node
// @ts-check
/**
 * `docs/performance.md`, made from the results of the benchmark.
 *
 *     npm run bench:docs
 *
 * A test makes the page from the committed results again and fails when the committed one is another.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { format, resolveConfig } from 'prettier';

import { TABLES, markdownTable } from './page-tables.mjs';
import { HOW_TO_RUN, PAGE_PARTS } from './page-text.mjs';
import { judge } from './requirements.mjs';
import { roundsOf } from './turns.mjs';

/** @typedef {import('./turns.mjs').RowResult} RowResult */

/**
 * What a run gave.
 *
 * @typedef {object} Results
 * @property {1} schemaVersion
 * @property {string} date
 * @property {{ processor: string, threads: number, memoryBytes: number, system: string, busyThreads: number }} machine
 * @property {{ 'llama-inspect': string, node: string }} versions
 * @property {{ rounds: number, minutes: number, full: boolean, layers: number | null }} options
 * @property {number} minutesTaken
 * @property {import('./peers.mjs').Peer[]} peers
 * @property {RowResult[]} rows
 */

/** Where the page stands, and the results that it is made of. */
export const PERFORMANCE_PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
export const RESULTS = fileURLToPath(new URL('results/performance.json', import.meta.url));

/** Threads that others keep busy, from which on the machine is not quiet. */
const BUSY_THREADS = 0.2;

/**
 * The page.
 *
 * @param {Results} results
 */
export async function performancePage(results) {
  const rows = new Map(results.rows.map((row) => [row.id, row]));
  const text = [introduction(results), figures(results), ...partsOf(rows), peers(results), HOW_TO_RUN]; // prettier-ignore
  const config = await resolveConfig(PERFORMANCE_PAGE);
  return format(text.filter((part) => part !== '').join('\n\n'), {
    ...config,
    parser: 'markdown',
    proseWrap: 'always',
  });
}

/** @param {Results} results */
function introduction({ date, machine, versions, options, minutesTaken }) {
  const { processor, threads, memoryBytes, system, busyThreads } = machine;
  const busy =
    busyThreads <= BUSY_THREADS
      ? 'Nothing else ran on it.'
      : `**It was busy**: other programs took ${busyThreads} threads at the start, so trust the ratios more than the seconds, and neither far.`;
  const fewer = options.layers === null ? '' : `\n\n**With ${options.layers} layers a model: these are no figures, but a trial of the program.**`; // prettier-ignore
  return `# Speed and memory

Made by \`bench/page.mjs\` from \`bench/results/performance.json\`, which \`npm run bench -- --publish\` writes: change those, not
this page.

Measured on ${date} on ${threads} threads of ${/^[AEIOU]/.test(processor) ? 'an' : 'a'} ${processor} with ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ${system}, Node
${versions.node}, llama-inspect ${versions['llama-inspect']}, in ${minutesTaken} minutes. ${busy} Files lie in the page cache as far as they
fit. Ours and the programs of others take turns, ${options.rounds === 1 ? 'in one round' : `in ${options.rounds} rounds, fewer where one takes long`}; tables have medians, and ratios of medians. A process's memory is the most that it ever held, as the kernel counts it.${fewer}`;
}

/** @param {Results} results */
function figures({ rows, machine }) {
  const judgements = judge(rows);
  if (judgements.length === 0) return '';
  const lines = judgements.map(({ what, must, measured, verdict }) => [what, must, measured, verdict]);
  return `## What was aimed at

Ratios are ours against the other's time unless it says faster. What misses its limit is **bold**.${
    machine.busyThreads <= BUSY_THREADS
      ? ''
      : ' The limits are for a quiet machine, which this was not: these verdicts may change.'
  }

${markdownTable(['what', 'must be', 'measured', ''], lines, '-')}`;
}

/**
 * The parts that were run.
 *
 * @param {ReadonlyMap<string, RowResult>} rows
 */
function partsOf(rows) {
  return PAGE_PARTS.flatMap(({ section, title, before, after }) => {
    const own = [...rows.values()].filter(({ id }) => id === section || id.startsWith(`${section}/`));
    if (own.length === 0) return [];
    // a part that could not begin is one row of its name; without --full all rows of a part have one reason
    const reasons = new Set(own.map(({ missing }) => missing));
    const [reason] = reasons;
    const table = reasons.size === 1 && reason != null ? `${reason[0]?.toUpperCase() ?? ''}${reason.slice(1)}.` : TABLES[section]?.(rows); // prettier-ignore
    return [[`## ${title}`, `${before} ${roundsText(own)}`.trim(), table ?? '', after].join('\n\n').trim()];
  });
}

/** @param {readonly RowResult[]} rows */
function roundsText(rows) {
  const counts = rows.map(roundsOf).filter((count) => count > 0);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  if (counts.length === 0) return '';
  if (most === 1) return 'One round.';
  return fewest === most ? `Medians of ${most} rounds.` : `Medians of ${fewest} to ${most} rounds.`;
}

/** @param {Results} results */
function peers({ peers: all }) {
  const found = all.flatMap(({ name, version }) =>
    version === null ? [] : [`${name} ${version}`.replace(/ found$/, '')],
  );
  const missing = all.flatMap(({ name, version, install }) => (version === null ? [`${name} (${install})`] : []));
  return `## Beside whom

${found.join(', ')}.${missing.length === 0 ? '' : `\n\nNot installed: ${missing.join('; ')}.`}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await writeFile(PERFORMANCE_PAGE, await performancePage(JSON.parse(await readFile(RESULTS, 'utf8'))));
}
