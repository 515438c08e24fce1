/**
 * What lies between two models: tensors added, missing and changed, and by how much. What did this fine-tune touch?
 *
 * Nothing is judged here: a rounding is a change like any other. `compareModels` tells whether two are one model.
 *
 * @module
 */
import { TENSOR_GROUPS, type TensorGroupName, tensorGroupOf } from '../llama/weight-tallies.js';
import type { LlamaModel } from '../llama/model.js';
import { compareSettings, configFindings } from './compare-config.js';
import { type CompareTensorsOptions, compareTensors } from './compare-tensors.js';
import type { ComparedModel, ConfigDifference, TensorComparison, VocabularyComparison } from './comparison.js';
import { compareVocabulariesOf, vocabularyFindings } from './vocabularies.js';

/** Everything that lies between two models. */
export interface ModelDiff {
  /** First model: what was there before. */
  readonly a: ComparedModel;
  /** Second model: what came of it. */
  readonly b: ComparedModel;
  /**
   * Whether they compute the same: no tensor, no hyperparameter and nothing of the vocabulary differs. The context length,
   * the end token, and an embedding that is stored again as the output may differ in equal models.
   */
  readonly equal: boolean;
  /** Hyperparameters that differ. */
  readonly config: readonly ConfigDifference[];
  /** How the vocabularies compare. */
  readonly vocabulary: VocabularyComparison;
  /** How much of each part of the model changed, in the order in which data flows; parts without tensors are left out. */
  readonly groups: readonly GroupDiff[];
  /**
   * Every tensor of either model: those that only one has, then those of another shape, then those that changed, by their
   * relative RMSE, the largest first, then equal ones.
   */
  readonly tensors: readonly TensorComparison[];
}

/** How much of a part of a model changed. */
export interface GroupDiff {
  /** The part. */
  readonly group: TensorGroupName;
  /** Its tensors, in either model. */
  readonly tensorCount: number;
  /** How many of them are not equal. */
  readonly changedCount: number;
  /** Largest relative RMSE of those that both have in one shape; 0 where none changed. */
  readonly relativeRmse: number;
}

/**
 * Compares two models of any layout tensor by tensor. Reads every weight of both once, and up to four times where it
 * differs; holds a few blocks of each.
 *
 * @throws LlamaError `llama/not-replicated`; QuantError `quant/no-decoder`; the errors of the files; the signal's reason
 */
export async function diffModels(
  a: LlamaModel,
  b: LlamaModel,
  options: CompareTensorsOptions = {},
): Promise<ModelDiff> {
  for (const model of [a, b]) await model.expectConsistentWeights({ signal: options.signal });
  const config = compareSettings(a, b);
  const vocabulary = compareVocabulariesOf(a, b);
  const tensors = await compareTensors(a, b, options);
  const findings = [...configFindings(config), ...vocabularyFindings(vocabulary)];
  return {
    a: comparedModel(a),
    b: comparedModel(b),
    equal: tensors.every(({ outcome }) => outcome === 'equal') && findings.every(({ level }) => level === 'note'),
    ...{ config, vocabulary },
    groups: groupDiffs(tensors),
    tensors: tensors.toSorted((x, y) => rankOf(x) - rankOf(y) || relativeRmse(y) - relativeRmse(x)),
  };
}

const RANKS: Readonly<Record<TensorComparison['outcome'], number>> = {
  ...{ 'only-in-b': 0, 'only-in-a': 1, reshaped: 2, different: 3, rounded: 3, equal: 4 },
};

function rankOf({ outcome }: TensorComparison): number {
  return RANKS[outcome];
}

function relativeRmse(tensor: TensorComparison): number {
  return 'difference' in tensor ? (tensor.difference?.relativeRmse ?? 0) : 0;
}

function groupDiffs(tensors: readonly TensorComparison[]): GroupDiff[] {
  return TENSOR_GROUPS.map((group) => {
    const members = tensors.filter(({ name }) => tensorGroupOf(name) === group);
    return {
      group,
      tensorCount: members.length,
      changedCount: members.filter(({ outcome }) => outcome !== 'equal').length,
      relativeRmse: members.reduce((largest, tensor) => Math.max(largest, relativeRmse(tensor)), 0),
    };
  }).filter(({ tensorCount }) => tensorCount > 0);
}

function comparedModel({ layout, path, name, config }: LlamaModel): ComparedModel {
  return { layout, path, name, config };
}
