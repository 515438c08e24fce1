/**
 * How large the GGUF file of each type would be, for a person.
 *
 * @module
 */
import { FILE_TYPES, type FileTypeName, isPlainFileType } from '../convert/file-types.js';
import type { SizeForecast } from '../convert/what-if.js';
import { isQuantized } from '../dtype.js';
import { ggmlTypeOfName } from '../formats/gguf/tensor-types.js';
import type { Inspection } from '../llama/inspect.js';
import { type Line, wrap } from './lines.js';
import { alignedBits, percent, sized } from './numbers.js';
import { table } from './table.js';

/** What is told of the model as it is now. */
type Present = Pick<Inspection, 'byteLength' | 'types' | 'fileType'>;

/** A row for each type, and below it what holds for several of them. */
export function whatIfLines(forecasts: readonly SizeForecast[], present: Present): Line[] {
  const rows = forecasts.flatMap((forecast) => {
    const { type, byteLength, tensorByteLength, bitsPerWeight } = forecast;
    const size = byteLength ?? tensorByteLength;
    const cells = [type, size === undefined ? '' : sized(size), alignedBits(bitsPerWeight)];
    const [remark = '', ...more] = remarksOn(forecast, present);
    return [
      [...cells, percent(shareOfPresent(forecast, present)), remark],
      ...more.map((text) => ['', '', '', '', text]),
    ];
  });
  return [
    ...table(rows, { head: ['as GGUF', 'bytes', 'bits per weight', 'of now'], numbers: [1, 2, 3] }),
    '',
    ...notesOn(forecasts, present).flatMap((note) => wrap(note, 2, 4)),
  ];
}

/**
 * The size as a share of what the files of weights take now, and of the tensors alone where there is no tokenizer;
 * undefined where there is a problem, or nothing to compare with.
 */
export function shareOfPresent(
  { byteLength, tensorByteLength }: SizeForecast,
  { byteLength: now, types }: Present,
): number | undefined {
  const tensorsNow = types.reduce((sum, type) => sum + type.byteLength, 0);
  const [size, whole] = byteLength === undefined ? [tensorByteLength, tensorsNow] : [byteLength, now];
  return size === undefined || whole === 0 ? undefined : size / whole;
}

/** Types that ruin a model which was not made for them, although they can be written of any. */
const MEANT_FOR: Readonly<Partial<Record<FileTypeName, string>>> = {
  ...{ tq1_0: 'for ternary models', tq2_0: 'for ternary models', q2_0: 'for ternary models' },
  q1_0: 'for binary models',
};

function remarksOn({ type, needsImportance, fallbacks, problem }: SizeForecast, { fileType }: Present): string[] {
  if (problem !== undefined) return ['impossible'];
  const meantFor = MEANT_FOR[type];
  return [
    ...(FILE_TYPES[type].id === fileType ? ['its type now'] : []),
    ...(meantFor === undefined ? [] : [meantFor]),
    ...(needsImportance ? ['needs an importance matrix'] : []),
    ...fallbacks.map(({ dtype, insteadOf, tensorCount }) => `${tensorCount} ${dtype} in place of ${insteadOf}`),
  ];
}

function notesOn(forecasts: readonly SizeForecast[], { types }: Present): string[] {
  const problem = forecasts.find((forecast) => forecast.problem !== undefined)?.problem;
  const sized = forecasts.filter((forecast) => forecast.problem === undefined);
  const written = sized.some(({ byteLength }) => byteLength !== undefined);
  return [
    ...(problem === undefined ? [] : [problem.message]),
    ...(sized.some(({ fallbacks }) => fallbacks.length > 0)
      ? ['in place of: the blocks of the type do not divide the rows of these tensors']
      : []),
    ...(types.some(({ dtype }) => isBlockType(dtype)) && forecasts.some(({ type }) => !isPlainFileType(type))
      ? ['the weights are quantized already: another quantized type loses twice, and convert wants --allow-requantize']
      : []),
    ...(sized.length > 0 && !written
      ? ['there is no tokenizer that a GGUF file could hold: the bytes are of the tensors alone']
      : []),
    ...(written ? ['to write one of them: llama-inspect convert PATH --to gguf --type TYPE -o FILE'] : []),
  ];
}

function isBlockType(name: string): boolean {
  const dtype = ggmlTypeOfName(name)?.dtype;
  return dtype !== undefined && isQuantized(dtype);
}
