// @ts-check
/**
 * The tables of docs/performance.md: what each shows of the rows of a part.
 *
 * @module
 */
import { medianOf } from './turns.mjs';

/** @typedef {import('./turns.mjs').RowResult} RowResult */
/** @typedef {{ title: string, cell: (row: RowResult) => string }} Column */
/** @typedef {ReadonlyMap<string, RowResult>} Rows */

/**
 * Tables by the part that they are of.
 *
 * @type {Record<string, (rows: Rows) => string>}
 */
export const TABLES = {
  converting: (rows) =>
    tableOf(rows, 'converting/', [
      ...usageColumns(),
      against(rows, '`cp`', 'wall', () => 'converting/cp'),
      against(rows, '`cp`, then `sync`', 'wall', () => 'converting/cp-sync'),
    ]),
  'quantized-files': (rows) =>
    tableOf(rows, 'quantized-files/', [...usageColumns(), against(rows, '`cp`', 'wall', () => 'converting/cp')]),
  hashing: (rows) =>
    tableOf(rows, 'hashing/', [
      ...usageColumns(),
      against(rows, '`md5sum`', 'wall', (id) => (id.includes('/four/') ? 'hashing/four/md5sum' : 'hashing/md5sum')),
    ]),
  headers: (rows) =>
    tableOf(rows, 'headers/', [...usageColumns(), against(rows, '`node -e 0`', 'cpu', () => 'headers/node')]),
  opening: (rows) =>
    tableOf(rows, 'opening/', [
      { title: 'warm ms', cell: (row) => number(medianOf(row, 'warmMs'), 0) },
      against(rows, 'ours', 'warmMs', (id) => id.split('/').slice(0, 2).join('/')),
      ...usageColumns('own process: '),
    ]),
  kernels: kernelTable,
  tokenizing: (rows) =>
    tableOf(rows, 'tokenizing/', [
      { title: 'processor s', cell: (row) => number(medianOf(row, 'cpu'), 3) },
      { title: 'MB/s', cell: (row) => number(speedOf(row), 1) },
    ]),
  forward: (rows) =>
    tableOf(rows, 'forward/', [
      { title: 'pass s', cell: (row) => number(medianOf(row, 'seconds'), 2) },
      { title: 'GFLOP/s of the products', cell: (row) => number(gigaflops(row, 'productSeconds'), 1) },
      { title: 'GFLOP per processor s', cell: (row) => number(gigaflops(row, 'cpuSeconds'), 1) },
      ...usageColumns('process: '),
    ]),
  size: (rows) =>
    tableOf(rows, 'size/', [
      ...usageColumns(),
      { title: 's per GB', cell: (row) => number(perGigabyte(row), 2) },
      against(rows, 'memory at 1B', 'peakBytes', (id) => id.replace('/8b/', '/1b/')),
    ]),
};

/**
 * A table in Markdown, its first column to the left and the others to the right.
 *
 * @param {readonly string[]} heads
 * @param {readonly (readonly string[])[]} rows
 * @param {string} [align] - of all columns but the first
 */
export function markdownTable(heads, rows, align = '-:') {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |\n`;
  return line(heads) + line(heads.map((_, index) => (index === 0 ? '-' : align))) + rows.map(line).join('');
}

/**
 * @param {Rows} rows
 * @param {string} prefix - of the ids
 * @param {readonly Column[]} columns
 */
function tableOf(rows, prefix, columns) {
  const wanted = [...rows.values()].filter(({ id, missing }) => id.startsWith(prefix) && !isLeftOut(missing));
  return markdownTable(
    ['', ...columns.map(({ title }) => title)],
    wanted
      .filter(({ samples }) => samples['difference'] === undefined)
      .map((row) =>
        row.missing === null
          ? [row.label, ...columns.map(({ cell }) => cell(row))]
          : [`${row.label} (${row.missing})`, ...columns.map(() => '')],
      ),
  );
}

/** @param {string | null} missing */
function isLeftOut(missing) {
  return missing?.includes('--full') === true;
}

/** @param {string} [before] - words before the first title */
function usageColumns(before = '') {
  return /** @type {Column[]} */ ([
    { title: `${before}wall s`, cell: (row) => number(medianOf(row, 'wall'), 2) },
    { title: 'processor s', cell: (row) => number(medianOf(row, 'cpu'), 2) },
    { title: 'peak memory', cell: (row) => megabytes(medianOf(row, 'peakBytes')) },
  ]);
}

/**
 * @param {Rows} rows
 * @param {string} title
 * @param {string} figure
 * @param {(id: string) => string} baseOf - id of the row that another is compared with
 * @returns {Column}
 */
function against(rows, title, figure, baseOf) {
  return {
    title: `against ${title}`,
    cell: (row) => {
      const base = baseOf(row.id);
      const [value, other] = [medianOf(row, figure), medianOf(rows.get(base), figure)];
      return base === row.id || value === undefined || other === undefined ? '' : `${number(value / other, 2)} x`;
    },
  };
}

/**
 * A line for each format: ours and ggml's, without importances and with.
 *
 * @param {Rows} rows
 */
function kernelTable(rows) {
  const names = [...rows.keys()].filter((id) => /^kernels\/[^/]+$/.test(id)).map((id) => id.slice('kernels/'.length));
  return markdownTable(
    ['', 'ours MB/s', 'ggml MB/s', 'faster', 'with importances'],
    names.map((name) => {
      const [ours, theirs] = [rows.get(`kernels/${name}`), rows.get(`kernels/${name}/ggml`)];
      const weighted = [rows.get(`kernels/${name}/weighted`), rows.get(`kernels/${name}/weighted/ggml`)];
      const missing = theirs?.missing ?? weighted[1]?.missing ?? null;
      return [
        missing === null ? name : `${name} (${missing})`,
        ...[number(speedOf(ours), 0), number(speedOf(theirs), 0)],
        ...[faster(ours, theirs), faster(weighted[0], weighted[1])],
      ];
    }),
  );
}

/**
 * @param {RowResult | undefined} ours
 * @param {RowResult | undefined} theirs
 */
function faster(ours, theirs) {
  const [own, other] = [medianOf(ours, 'cpu'), medianOf(theirs, 'cpu')];
  return own === undefined || other === undefined ? '' : `${number(other / own, 1)} x`;
}

/** @param {RowResult | undefined} row */
function speedOf(row) {
  const [bytes, seconds] = [medianOf(row, 'bytes'), medianOf(row, 'cpu')];
  return bytes === undefined || seconds === undefined ? undefined : bytes / seconds / 1e6;
}

/**
 * @param {RowResult} row
 * @param {string} figure - seconds
 */
function gigaflops(row, figure) {
  const [operations, seconds] = [medianOf(row, 'operations'), medianOf(row, figure)];
  return operations === undefined || seconds === undefined ? undefined : operations / seconds / 1e9;
}

/** @param {RowResult} row */
function perGigabyte(row) {
  const [seconds, bytes] = [medianOf(row, 'wall'), medianOf(row, 'bytes')];
  return seconds === undefined || bytes === undefined ? undefined : (seconds / bytes) * 1e9;
}

/**
 * @param {number | undefined} value
 * @param {number} digits
 */
function number(value, digits) {
  return value === undefined ? '' : value.toFixed(digits);
}

/** @param {number | undefined} bytes */
function megabytes(bytes) {
  return bytes === undefined ? '' : `${(bytes / 1e6).toFixed(0)} MB`;
}
