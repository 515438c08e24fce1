/**
 * Two models run on the same tokens, stage by stage in turn.
 *
 * After each stage the hidden states are compared and forgotten, so the first layer where the models
 * part is known and only two sets of activations are ever held.
 *
 * @module
 */
import { ForwardError } from '../forward/errors.js';
import { type Stage, type StageOptions, forwardStages } from '../forward/forward.js';
import type { LlamaModel } from '../llama/model.js';
import { compareLogits, nmseOf } from './compare-logits.js';
import type { Finding, LogitDifference, LogitsRun, StageDifference } from './comparison.js';
import type { Prompt } from './prompts.js';
import { agreementOf } from './thresholds.js';

/** What running both gave. */
export interface RunResult {
  /** One entry for each prompt; empty when a model could not be run to the end. */
  readonly runs: readonly LogitsRun[];
  /** What they mean. */
  readonly findings: readonly Finding[];
}

/** A stage of one of the two passes. */
type Stages = AsyncGenerator<Stage, void, undefined>;

/**
 * Runs both models on all prompts in one pass each, so that every weight is read once.
 *
 * @param nmseLimit - largest NMSE, of logits and of hidden states, that counts as agreement
 * @throws ForwardError for prompts out of range; values that are not finite become a finding
 */
export async function runBoth(
  a: LlamaModel,
  b: LlamaModel,
  prompts: readonly Prompt[],
  nmseLimit: number,
  options: StageOptions = {},
): Promise<RunResult> {
  const stages = {
    a: forwardStages(a, prompts, { ...options, onProgress: undefined }), // the second reports, when both are through
    b: forwardStages(b, prompts, options),
  };
  try {
    const runs = await pullBoth(stages, prompts, nmseLimit);
    return { runs, findings: runs.flatMap(findingOf) };
  } catch (cause) {
    if (!(cause instanceof ForwardError) || cause.code !== 'forward/not-finite') throw cause;
    const message = `the forward pass breaks down: ${cause.message}`;
    return { runs: [], findings: [{ level: 'failure', code: 'not-finite', subject: cause.path ?? '', message }] };
  } finally {
    await stages.a.return();
    await stages.b.return();
  }
}

async function pullBoth(
  stages: { readonly a: Stages; readonly b: Stages },
  prompts: readonly Prompt[],
  nmseLimit: number,
): Promise<LogitsRun[]> {
  const gathered: StageDifference[][] = prompts.map(() => []);
  const tokenCounts = prompts.map((prompt) => prompt.tokens.length);
  const rowCounts = prompts.map((prompt) => prompt.rows.length);
  let logits: LogitDifference[] = [];
  for (;;) {
    const [a, b] = [await stages.a.next(), await stages.b.next()];
    if (a.done === true || b.done === true) break;
    const { name, values } = a.value;
    const counts = name === 'output' ? rowCounts : tokenCounts;
    const parts = { a: slices(values, counts), b: slices(b.value.values, counts) };
    parts.a.forEach((part, i) => gathered[i]?.push({ stage: name, nmse: nmseOf(part, parts.b[i]!) }));
    if (name !== 'output') continue;
    logits = parts.a.map((part, i) => compareLogits(part, parts.b[i]!, part.length / rowCounts[i]!));
  }
  return prompts.map((prompt, i) => runOf(prompt, logits[i]!, gathered[i]!, nmseLimit));
}

/** The part of each prompt, where `counts` says how many rows of the whole are its own. */
function slices(values: Float32Array, counts: readonly number[]): Float32Array[] {
  const width = values.length / counts.reduce((sum, count) => sum + count, 0);
  let start = 0;
  return counts.map((count) => values.subarray(start, (start += count * width)));
}

function runOf(
  { tokensFrom, placement, tokens, positions }: Prompt,
  logits: LogitDifference,
  stages: readonly StageDifference[],
  nmseLimit: number,
): LogitsRun {
  return {
    tokensFrom,
    placement,
    tokens,
    positions,
    ...logits,
    agreement: agreementOf(logits.nmse),
    nmseLimit,
    stages,
    partsAt: stages.find(({ nmse }) => nmse > nmseLimit)?.stage,
  };
}

function findingOf({ tokensFrom, placement, nmse, nmseLimit, klMax, partsAt }: LogitsRun): Finding[] {
  if (nmse <= nmseLimit) return [];
  const where = placement === 'far' ? 'positions spread over the context' : 'positions 0, 1, 2, …';
  const message =
    `the logits of ${tokensFrom} tokens at ${where} have an NMSE of ${nmse.toPrecision(3)}, at most ` +
    `${nmseLimit} is allowed; KL divergence up to ${klMax.toPrecision(3)}; first apart after ${partsAt}`;
  return [{ level: 'failure', code: 'logits', subject: `${tokensFrom} tokens, ${placement} positions`, message }];
}
