/**
 * Whether two models are one, for a person: the verdict, the first difference, the numbers.
 *
 * @module
 */
import type { Finding, LogitsRun, ModelComparison, PairedTensor, TensorComparison } from '../check/comparison.js';
import { type DType, isQuantized } from '../dtype.js';
import { type Line, type Style, flow, labelled, marked, shown, wrap } from './lines.js';
import { counted, small } from './numbers.js';

/** A comparison as lines. */
export function comparisonLines(comparison: ModelComparison): Line[] {
  const { findings } = comparison;
  return [
    ...flow([verdictOf(comparison), ...summary(comparison)], { hanging: 2 }),
    '',
    ...findingLines(findings.filter(({ level }) => level === 'failure')),
    ...labelled(evidence(comparison), ' · '),
    ...ropeAdvice(comparison),
    ...findings.filter(({ level }) => level === 'note').flatMap(({ message }) => wrap(`note: ${shown(message)}`, 2, 4)),
  ];
}

/** What to do where only the rope factor differs, which Meta's folders do not state. */
function ropeAdvice({ a, b, config }: ModelComparison): Line[] {
  const factor = config.find(({ key }) => key === 'ropeScaling.factor');
  if (factor === undefined || (a.layout === 'meta') === (b.layout === 'meta')) return [];
  const stated = String(a.layout === 'meta' ? factor.b : factor.a);
  return [
    '',
    ...wrap(`Meta's folders do not state the rope factor; if ${stated} is right: --rope-factor ${stated}`, 2, 4),
  ];
}

const VERDICTS: Readonly<Record<ModelComparison['verdict'], readonly [Style, string]>> = {
  same: ['good', 'SAME MODEL'],
  'same-within-type': ['good', 'SAME MODEL within'],
  different: ['bad', 'DIFFERENT'],
};

function verdictOf({ verdict, tensors }: ModelComparison): { text: string; style: Style } {
  const [style, words] = VERDICTS[verdict];
  const types = verdict === 'same-within-type' ? ` ${roundedTypes(tensors).join(', ')}` : '';
  return marked(style, `${words}${types}`);
}

/** Types that tensors were rounded to, that of most tensors first; blocks in capitals, as llama.cpp writes them. */
function roundedTypes(tensors: readonly TensorComparison[]): string[] {
  const counts = new Map<DType, number>();
  for (const dtype of tensors.filter(isPaired).flatMap(({ roundedTo }) => roundedTo)) {
    counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  }
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  return ordered.map(([dtype]) => (isQuantized(dtype) ? dtype.toUpperCase() : dtype));
}

function isPaired(tensor: TensorComparison): tensor is PairedTensor {
  return 'dtypeB' in tensor;
}

/** What stands behind the verdict on the first line. */
function summary({ verdict, findings, tensors, logits }: ModelComparison): string[] {
  if (verdict === 'different') {
    const failures = findings.filter(({ level }) => level === 'failure');
    return [counted(failures.length, 'difference')];
  }
  const worst = Math.max(0, ...tensors.filter(isPaired).map(({ difference }) => difference?.relativeRmse ?? 0));
  const weights = verdict === 'same' ? 'every weight equal' : `worst tensor RMSE ${small(worst * 100)} %`;
  return [[weights, ...logitsSummary(logits)].join(' · ')];
}

function logitsSummary(runs: readonly LogitsRun[]): string[] {
  if (runs.length === 0) return [];
  const rows = runs.reduce((sum, run) => sum + run.rows, 0);
  const agreeing = runs.reduce((sum, run) => sum + run.top1Agreements, 0);
  const divergence = Math.max(...runs.map(({ klMax }) => klMax));
  return [`KL ${small(divergence)}`, `top-1 ${agreeing} of ${rows}`];
}

/** Most differences that are written out; `--json` has all of them. */
const FAILURES_SHOWN = 8;

/** Findings whose message names what it is about. */
const SELF_CONTAINED: ReadonlySet<Finding['code']> = new Set(['hyperparameter', 'vocabulary', 'logits', 'not-finite']);

function findingLines(failures: readonly Finding[]): Line[] {
  if (failures.length === 0) return [];
  const [first, ...others] = failures.slice(0, FAILURES_SHOWN).map(({ code, subject, message }) => {
    return SELF_CONTAINED.has(code) ? shown(message) : `${shown(subject)}: ${shown(message)}`;
  });
  const more = failures.length - FAILURES_SHOWN;
  return [
    ...wrap(`first difference: ${first ?? ''}`, 2, 4),
    ...others.flatMap((text) => wrap(text, 2, 4)),
    ...(more > 0 ? [`  and ${more} more; --json has all of them`] : []),
    '',
  ];
}

function evidence(comparison: ModelComparison): [string, string][] {
  const { config, vocabulary, tensors, logits } = comparison;
  const essential = config.filter(({ key }) => key !== 'contextLength' && key !== 'tied');
  return [
    ['hyperparameters', essential.length === 0 ? 'equal' : `different: ${essential.map(({ key }) => key).join(', ')}`],
    ['vocabulary', vocabulary.outcome],
    ['tensors', tensorCounts(tensors)],
    ...logits.map((run): [string, string] => [runLabel(run), runFigures(run)]),
  ];
}

const OUTCOMES: readonly (readonly [TensorComparison['outcome'], string])[] = [
  ['equal', 'bit-equal'],
  ['rounded', 'within rounding'],
  ['different', 'different'],
  ['reshaped', 'of another shape'],
  ['only-in-a', 'only in the first'],
  ['only-in-b', 'only in the second'],
];

function tensorCounts(tensors: readonly TensorComparison[]): string {
  return OUTCOMES.flatMap(([outcome, words]) => {
    const count = tensors.filter((tensor) => tensor.outcome === outcome).length;
    return count === 0 ? [] : [`${count} ${words}`];
  }).join(' · ');
}

function runLabel({ tokensFrom, placement }: LogitsRun): string {
  const what = placement === 'far' ? 'far positions' : 'logits';
  return tokensFrom === 'given' ? `${what}, given` : what;
}

function runFigures({ maxAbs, nmse, nmseLimit, positions, placement, partsAt }: LogitsRun): string {
  const limit = `NMSE ${small(nmse)} (limit ${small(nmseLimit)})`;
  const reach = placement === 'far' ? ` · to position ${Math.max(...positions)}` : '';
  const apart = partsAt === undefined ? '' : ` · first apart after ${partsAt}`;
  return `max |Δ| ${small(maxAbs)} · ${limit}${reach}${apart}`;
}
