/**
 * The proof that two models are one: hyperparameters, vocabulary, every weight, and what they compute.
 *
 * The logits are compared even when every weight is equal to the bit, because equal weights under another
 * rope scaling are another model.
 *
 * @module
 */
import type { Kernels } from '../forward/kernels.js';
import type { LlamaModel } from '../llama/model.js';
import { compareSettings, configFindings, haveSameShapes } from './compare-config.js';
import { type CompareTensorsOptions, compareTensors } from './compare-tensors.js';
import { type ComparedModel, type ModelComparison, type TensorComparison, verdictOf } from './comparison.js';
import { promptsFor } from './prompts.js';
import { type RunResult, runBoth } from './run-both.js';
import { logitsLimit, tensorFindings } from './tensor-findings.js';
import { compareVocabulariesOf, vocabularyFindings } from './vocabularies.js';

/** How two models are compared. */
export interface CompareOptions extends CompareTensorsOptions {
  /** Whether both models are run and their logits compared; default true. */
  readonly logits?: boolean | undefined;
  /** Further sequences of token ids to run beside the built-in one. */
  readonly tokens?: readonly (readonly number[])[] | undefined;
  /** Computes the matrix products; default: in this thread, in WebAssembly where the machine can. Not closed here. */
  readonly kernels?: Kernels | undefined;
}

/**
 * Compares two models of any layout, the first of which is held to be right. Reads every weight of both once
 * for the tensors (again where they differ) and once for the logits; holds a few blocks and the activations.
 *
 * @throws LlamaError `llama/not-replicated`; ForwardError for given tokens out of range; QuantError `quant/no-decoder`; the errors of the files
 */
export async function compareModels(
  a: LlamaModel,
  b: LlamaModel,
  options: CompareOptions = {},
): Promise<ModelComparison> {
  for (const model of [a, b]) await model.expectConsistentWeights({ signal: options.signal });
  const config = compareSettings(a, b);
  const vocabulary = compareVocabulariesOf(a, b);
  const tensors = await compareTensors(a, b, options);
  const { runs, findings: found } = await compareRuns(a, b, haveSameShapes(config), tensors, options);
  const findings = [...configFindings(config), ...vocabularyFindings(vocabulary), ...tensorFindings(tensors), ...found];
  return {
    a: comparedModel(a),
    b: comparedModel(b),
    verdict: verdictOf(findings),
    findings,
    config,
    vocabulary,
    tensors,
    logits: runs,
  };
}

function compareRuns(
  a: LlamaModel,
  b: LlamaModel,
  sameShapes: boolean,
  tensors: readonly TensorComparison[],
  options: CompareOptions,
): RunResult | Promise<RunResult> {
  if (options.logits === false) return skipped('they were not asked for');
  if ([a, b].some(({ family }) => family?.kind === 'llama4')) return skipped('a Llama 4 cannot be run here');
  if (!sameShapes) return skipped('the hyperparameters give layers of other shapes');
  if (!tensors.every(isPaired)) return skipped('not every tensor is there in both models in one shape');
  const contextLength = Math.min(a.config.contextLength, b.config.contextLength);
  const prompts = promptsFor(a.config.vocabSize, contextLength, options.tokens);
  return runBoth(a, b, prompts, logitsLimit(tensors), options);
}

function skipped(because: string): RunResult {
  const message = `the logits were not compared: ${because}`;
  return { runs: [], findings: [{ level: 'note', code: 'logits-skipped', subject: 'logits', message }] };
}

function isPaired({ outcome }: TensorComparison): boolean {
  return outcome === 'equal' || outcome === 'rounded' || outcome === 'different';
}

function comparedModel({ layout, path, name, config }: LlamaModel): ComparedModel {
  return { layout, path, name, config };
}
