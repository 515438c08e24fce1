/**
 * What a conversion wrote, for a person: size, time, what casting lost, and how to prove the result.
 *
 * @module
 */
import type { ModelComparison } from '../check/comparison.js';
import type { ConversionResult } from '../convert/convert.js';
import type { CastLoss } from '../quant/cast-loss.js';
import { comparisonLines } from './comparison.js';
import { type Line, flow, marked, shown, wrap } from './lines.js';
import { counted, duration, sized } from './numbers.js';
import { afterPart, byteLengthThen, headline, isIdle } from './parts.js';

/** What the command measured around a conversion. */
export interface ConversionFacts {
  /** The source as the person named it. */
  readonly source: string;
  /** The file or folder that was written. */
  readonly output: string;
  /** Time it took. */
  readonly seconds: number;
  /** Most memory that the process had, in bytes. */
  readonly peakMemory: number;
  /** Factor of the rope scaling that the person gave, without which a check would see another model. */
  readonly ropeFactor?: number | undefined;
  /** Whether adapters were merged: then the output is another model than the source, and no check would prove it. */
  readonly adapted?: boolean | undefined;
  /** What comparing the output with its source found, where that was asked for. */
  readonly comparison?: ModelComparison | undefined;
}

/** A result as lines; the plan was shown before by `intentLines`. */
export function conversionLines(result: ConversionResult, facts: ConversionFacts): Line[] {
  const { plan, loss, lossyTensors } = result;
  const { output, seconds, peakMemory } = facts;
  return [
    ...flow(
      [
        headline(result, output),
        ...(isIdle(result) ? [] : [sized(byteLengthThen(plan)), duration(seconds), `peak memory ${sized(peakMemory)}`]),
      ].map((part, index) => (index === 0 ? marked('good', part) : part)),
      { hanging: 2 },
    ),
    ...lossLines(loss, [...new Set(lossyTensors.map(({ dtype }) => dtype))]),
    ...lossyTensors.slice(0, LOSSY_SHOWN).flatMap((tensor) => lossyTensorLines(tensor)),
    ...(plan.share?.part === undefined ? proofLines(facts) : afterPart(plan.share)),
  ];
}

/** What the comparison found, or how to make it. */
function proofLines({ source, output, ropeFactor, adapted, comparison }: ConversionFacts): Line[] {
  if (comparison !== undefined) {
    const stays = comparison.verdict === 'different' ? wrap(`${shown(output)} stays, to be looked into`, 2, 4) : [];
    return ['', ...comparisonLines(comparison), ...stays];
  }
  const factor = ropeFactor === undefined ? '' : ` --rope-factor ${ropeFactor}`;
  return adapted === true ? [] : [`  to prove it: llama-inspect check ${quoted(source)} ${quoted(output)}${factor}`];
}

/** Most tensors that are named for what casting did to them. */
const LOSSY_SHOWN = 3;

function lossLines(loss: CastLoss, dtypes: readonly string[]): Line[] {
  const counts = lossCounts(loss);
  return counts === '' ? [] : wrap(`casting to ${dtypes.join(' and ')} changed values: ${counts}`, 2, 4);
}

function lossyTensorLines({ name, loss }: ConversionResult['lossyTensors'][number]): Line[] {
  if (loss.overflowed === 0 && loss.flushedToZero === 0) return [];
  return wrap(`${shown(name)}: ${lossCounts(loss)}`, 4, 6);
}

function lossCounts({ overflowed, flushedToZero, rounded }: CastLoss): string {
  const parts = [
    overflowed > 0 ? `${counted(overflowed, 'number')} overflowed to infinity` : '',
    flushedToZero > 0 ? `${counted(flushedToZero, 'number')} became zero` : '',
    rounded > 0 ? `${counted(rounded, 'number')} rounded` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
