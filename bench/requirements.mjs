// @ts-check
/**
 * What was aimed at, and what the results say of it.
 *
 * @module
 */
import { medianOf } from './turns.mjs';

/** @typedef {import('./turns.mjs').RowResult} RowResult */

/**
 * Looks up the median of a figure of a row.
 *
 * @typedef {(id: string, figure: string) => number | undefined} Look
 */

/**
 * A number that is measured for a requirement.
 *
 * @typedef {object} Measure
 * @property {string} label
 * @property {(look: Look) => number | undefined} value - undefined where something of it was not measured
 * @property {string} unit - what follows the number
 * @property {number} [atMost]
 * @property {number} [atLeast]
 * @property {string[]} rows - what it is made of
 */

/**
 * @typedef {object} Requirement
 * @property {string} what
 * @property {string} must
 * @property {Measure[]} measures - those without a limit are there to compare
 * @property {string} limit - what limits it where it is not reached
 */

/** @typedef {{ atMost?: number, atLeast?: number }} Limit */

/** Room that "the same" leaves: a garbage collector never holds the same twice. */
const SAME_MEMORY = 1.1;
const SAME_TIME = 1.15;

/** @type {readonly Requirement[]} */
export const REQUIREMENTS = [
  {
    what: '`inspect`, `tensors` of the 2.5 GB folder',
    must: 'at most 1.3 times the processor time of `node -e 0`',
    measures: [
      ratio('`inspect`', ['headers/inspect', 'headers/node'], 'cpu', { atMost: 1.3 }),
      ratio('`tensors`', ['headers/tensors', 'headers/node'], 'cpu', { atMost: 1.3 }),
    ],
    limit: '300 kB of code are compiled (a fifth of `node -e 0`) and run for the first time (three fifths, nothing of it long); for `inspect` the tokenizer’s 2.2 MB are read, counted and hashed (a third). Cached machine code saves a tenth of it; `--version` takes 1.1 times `node -e 0`', // prettier-ignore
  },
  {
    what: 'opening a GGUF file with 128,256 tokens and 280,147 merges',
    must: 'at least 20 times faster than @huggingface/gguf',
    measures: [
      ratio('faster', ['opening/gguf/huggingface', 'opening/gguf'], 'warmMs', { atLeast: 20 }),
      ratio('with every string read', ['opening/gguf/huggingface', 'opening/gguf-strings'], 'warmMs'),
    ],
    limit: 'reading the lengths of 408,403 strings, one after the other',
  },
  {
    what: '`verify`',
    must: 'one file: at most 1.05 times `md5sum`; four equal files on one core: at least 2.3 times faster than one after the other', // prettier-ignore
    measures: [
      ratio('one file', ['hashing/verify', 'hashing/md5sum'], 'wall', { atMost: 1.05 }),
      ratio('four files', ['hashing/four/md5sum', 'hashing/four/verify'], 'wall', { atLeast: 2.3 }),
      ratio('four files beside `node:crypto`', ['hashing/four/node', 'hashing/four/verify'], 'wall'),
    ],
    limit: 'one file is one chain of additions, and beside it stand 0.3 s of starting, headers and tokenizer. Four files are hashed in memory at 1.4 to 1.6 GB/s by three chains in turn (one by one 0.7), as four lanes of 128 bits reach only 1.1 GB/s on this processor; reading and starting take another second on the same core. Eight files, in two times four lanes, reach 1.9 to 2.4 GB/s', // prettier-ignore
  },
  {
    what: '`.pth` to safetensors',
    must: 'at most 1.5 times `cp`; not slower than PyTorch and safetensors with their import; at most 100 MB, the same at 8B', // prettier-ignore
    measures: [
      ratio('`cp`', ['converting/safetensors', 'converting/cp'], 'wall', { atMost: 1.5 }),
      ratio('`cp`, then `sync`', ['converting/safetensors', 'converting/cp-sync'], 'wall'),
      ratio('PyTorch', ['converting/safetensors', 'converting/pytorch'], 'wall', { atMost: 1 }),
      peak('memory', 'converting/safetensors', 100),
      ratio('memory at 8B', ['size/8b/convert', 'size/1b/convert'], 'peakBytes', { atMost: SAME_MEMORY }),
      ratio('with a lock file: `cp`', ['converting/safetensors-lock', 'converting/cp'], 'wall'),
      peak('its memory', 'converting/safetensors-lock'),
    ],
    limit: '1.4 s until everything is on the disk, which `cp` leaves to later; half of the rest are the system’s copies into the program and out of it, which `cp` has made inside the kernel, and a second is starting, the vocabulary and `tokenizer.json`', // prettier-ignore
  },
  {
    what: '`.pth` to GGUF F16, BF16',
    must: 'at most 2 times `cp`; at most 120 MB',
    measures: [
      ratio('F16', ['converting/f16', 'converting/cp'], 'wall', { atMost: 2 }),
      ratio('BF16', ['converting/bf16', 'converting/cp'], 'wall', { atMost: 2 }),
      peak('memory, F16', 'converting/f16', 120),
      peak('BF16', 'converting/bf16', 120),
      ratio('with a lock file: F16', ['converting/f16-lock', 'converting/cp'], 'wall'),
      ratio('BF16', ['converting/bf16-lock', 'converting/cp'], 'wall'),
    ],
    limit: '1.4 s until everything is on the disk, which `cp` leaves to later, the system’s copies into the program and out of it, which `cp` has made inside the kernel, and for F16 the cast, a second in one thread', // prettier-ignore
  },
  {
    what: 'forward pass, 32 tokens, streamed from the file',
    must: 'at least 25 GFLOP/s a thread, at least 1.7 times that on two; at most 2.5 s and 200 MB; within 1e-4 of TypeScript',
    measures: [
      {
        ...{ label: 'one thread', unit: ' GFLOP/s', atLeast: 25, rows: ['forward/one-thread'] },
        value: (look) => productSpeed(look, 'forward/one-thread'),
      },
      {
        ...{ label: 'all threads', unit: ' x', atLeast: 1.7, rows: ['forward/one-thread', 'forward/threads'] },
        value: (look) => quotient(productSpeed(look, 'forward/threads'), productSpeed(look, 'forward/one-thread')),
      },
      {
        ...{ label: 'whole pass', unit: ' s', atMost: 2.5, rows: ['forward/threads'] },
        value: (look) => look('forward/threads', 'seconds'),
      },
      peak('memory', 'forward/threads', 200),
      {
        ...{ label: 'largest difference', unit: '', atMost: 1e-4, rows: ['forward/oracle'] },
        value: (look) => look('forward/oracle', 'difference'),
      },
    ],
    limit: '128-bit vectors without fused multiply-add, reading and unpacking the weights, and attention and norms, which stay in TypeScript', // prettier-ignore
  },
  {
    what: '`check` of `.pth` against its Q8_0, 32 tokens',
    must: 'at most 2.2 times one pass',
    measures: [
      ratio('the whole command', ['forward/check', 'forward/threads'], 'wall', { atMost: 2.2 }),
      ratio('its two passes alone', ['forward/both', 'forward/threads'], 'seconds'),
    ],
    limit: 'before it runs them, `check` compares every weight of the two files, which reads the 3.8 GB once more and unpacks them again: some 3 s of the processor', // prettier-ignore
  },
  {
    what: 'cost against size',
    must: 'time per byte at 8B within 15 % of that at 1B; memory equal',
    measures: ['convert', 'verify', 'check'].flatMap((command) => [
      {
        ...{
          label: `\`${command}\``,
          unit: ' x',
          atMost: SAME_TIME,
          rows: [`size/1b/${command}`, `size/8b/${command}`],
        },
        value: (/** @type {Look} */ look) =>
          quotient(timePerByte(look, `size/8b/${command}`), timePerByte(look, `size/1b/${command}`)),
      },
      ratio(`memory of \`${command}\``, [`size/8b/${command}`, `size/1b/${command}`], 'peakBytes', {
        atMost: SAME_MEMORY,
      }),
    ]),
    limit: 'files of 16 GB do not stay in the page cache, so the disk decides the time; memory differs by what the garbage collector has not taken yet', // prettier-ignore
  },
];

/**
 * What came of a requirement.
 *
 * @typedef {object} Judgement
 * @property {string} what
 * @property {string} must
 * @property {string} measured - missed ones in bold
 * @property {string} verdict
 */

/**
 * @param {readonly RowResult[]} rows
 * @returns {Judgement[]}
 */
export function judge(rows) {
  const byId = new Map(rows.map((row) => [row.id, row]));
  /** @type {Look} */
  const look = (id, figure) => medianOf(byId.get(id), figure);
  // a run of one part says nothing of the others
  const asked = REQUIREMENTS.filter(({ measures }) => measures.some(({ rows: ids }) => ids.some((id) => byId.has(id))));
  return asked.map(({ what, must, measures, limit }) => {
    const found = measures.map((measure) => ({ measure, value: measure.value(look) }));
    const known = found.flatMap(({ measure, value }) => (value === undefined ? [] : [{ measure, value }]));
    const missed = known.filter(({ measure, value }) => isMissed(measure, value));
    const unknown = found.filter(({ measure, value }) => value === undefined && isLimited(measure));
    const reasons = new Set(unknown.map(({ measure }) => reasonOf(measure, byId)));
    const verdicts = [
      ...(missed.length > 0
        ? [`not reached (${missed.map(({ measure }) => measure.label).join(', ')}): ${limit}`]
        : []),
      ...(missed.length === 0 && unknown.length < measures.filter(isLimited).length ? ['reached'] : []),
      ...[...reasons].map((reason) => `${namesOf(unknown, reason, byId)} not measured: ${reason}`),
    ];
    const measured = known.map(({ measure, value }) => shown(measure, value)).join('; ');
    return { what, must, measured, verdict: verdicts.join('; ') };
  });
}

/**
 * @param {string} label
 * @param {[string, string]} rows - the first is divided by the second
 * @param {string} figure
 * @param {Limit} [limit]
 * @returns {Measure}
 */
function ratio(label, [id, base], figure, limit = {}) {
  return {
    label,
    unit: ' x',
    ...limit,
    rows: [id, base],
    value: (look) => quotient(look(id, figure), look(base, figure)),
  };
}

/**
 * @param {string} label
 * @param {string} id
 * @param {number} [megabytes]
 * @returns {Measure}
 */
function peak(label, id, megabytes) {
  const limit = megabytes === undefined ? {} : { atMost: megabytes };
  return { label, unit: ' MB', ...limit, rows: [id], value: (look) => quotient(look(id, 'peakBytes'), 1e6) };
}

/**
 * @param {Look} look
 * @param {string} id
 */
function productSpeed(look, id) {
  return quotient(quotient(look(id, 'operations'), look(id, 'productSeconds')), 1e9);
}

/**
 * @param {Look} look
 * @param {string} id
 */
function timePerByte(look, id) {
  return quotient(look(id, 'wall'), look(id, 'bytes'));
}

/**
 * @param {number | undefined} a
 * @param {number | undefined} b
 */
function quotient(a, b) {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

/** @param {Measure} measure */
function isLimited({ atMost, atLeast }) {
  return atMost !== undefined || atLeast !== undefined;
}

/**
 * @param {Measure} measure
 * @param {number} value
 */
function isMissed({ atMost = Infinity, atLeast = -Infinity }, value) {
  return value > atMost || value < atLeast;
}

/**
 * @param {Measure} measure
 * @param {number} value
 */
function shown(measure, value) {
  const number = value !== 0 && value < 0.01 ? value.toExponential(0) : value.toFixed(value < 10 ? 2 : 0);
  const text = `${number}${measure.unit}`;
  return `${measure.label} ${isMissed(measure, value) ? `**${text}**` : text}`;
}

/**
 * @param {Measure} measure
 * @param {ReadonlyMap<string, RowResult>} byId
 */
function reasonOf({ rows }, byId) {
  const reasons = rows.map((id) => (byId.has(id) ? byId.get(id)?.missing : `${id} was left out`));
  return reasons.find((reason) => typeof reason === 'string') ?? 'a figure is missing';
}

/**
 * @param {readonly { measure: Measure }[]} unknown
 * @param {string} reason
 * @param {ReadonlyMap<string, RowResult>} byId
 */
function namesOf(unknown, reason, byId) {
  const labels = unknown
    .filter(({ measure }) => reasonOf(measure, byId) === reason)
    .map(({ measure }) => measure.label);
  return [...new Set(labels)].join(', ');
}
