/**
 * What comparing two models yields: plain data, from which reports are written and exit codes decided.
 *
 * The verdict follows from the findings alone: any failure makes two models `different`, any rounding
 * `same-within-type`, and notes change nothing.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import type { LlamaModel } from '../llama/model.js';
import type { VocabularyDifference } from '../tokenizer/compare.js';

/**
 * Whether two models are one: `same`, every weight equal; `same-within-type`, some weights rounded to another
 * number format and none further off than its rounding; `different`.
 */
export type Verdict = 'same' | 'same-within-type' | 'different';

/** How much a finding weighs; see {@link verdictOf}. */
export type FindingLevel = 'failure' | 'rounding' | 'note';

/** What kind of difference a finding is. */
export type FindingCode =
  | 'hyperparameter'
  | 'context-length'
  | 'tied'
  | 'vocabulary'
  | 'end-token'
  | 'no-vocabulary'
  | 'missing-tensor'
  | 'extra-tensor'
  | 'tensor-shape'
  | 'row-order'
  | 'rows-moved'
  | 'one-weight'
  | 'weights'
  | 'no-threshold'
  | 'rounded'
  | 'logits'
  | 'not-finite'
  | 'logits-skipped';

/** One thing that two models do not share. */
export interface Finding {
  /** How much it weighs. */
  readonly level: FindingLevel;
  /** What kind of difference. */
  readonly code: FindingCode;
  /** Hyperparameter, tensor or run that it is about. */
  readonly subject: string;
  /** One sentence for a person, without a full stop. */
  readonly message: string;
}

/** Verdict that findings add up to. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some((finding) => finding.level === 'failure')) return 'different';
  return findings.some((finding) => finding.level === 'rounding') ? 'same-within-type' : 'same';
}

/** Value of a hyperparameter; null where a model has no such part, as no rope scaling. */
export type ConfigValue = number | boolean | string | null;

/** A hyperparameter that two models do not share. */
export interface ConfigDifference {
  /** Its name in `LlamaConfig` or `FamilySettings`; `ropeScaling.factor` and the like for the parts of the scaling. */
  readonly key: string;
  /** Value of the first model. */
  readonly a: ConfigValue;
  /** Value of the second. */
  readonly b: ConfigValue;
}

/** How the vocabularies compare; `absent` when a model has none. */
export interface VocabularyComparison {
  /** The outcome in one word. */
  readonly outcome: 'equal' | 'different' | 'absent';
  /** Aspects that differ; empty unless different. */
  readonly differences: readonly VocabularyDifference[];
}

/** A tensor that one model lacks. */
export interface UnpairedTensor {
  /** Which model has it. */
  readonly outcome: 'only-in-a' | 'only-in-b';
  /** Canonical name. */
  readonly name: string;
  /** Shape where it is present. */
  readonly shape: readonly number[];
}

/** A tensor whose shape differs. */
export interface ReshapedTensor {
  /** Tells it from the other outcomes. */
  readonly outcome: 'reshaped';
  /** Canonical name. */
  readonly name: string;
  /** Shape in the first model. */
  readonly shape: readonly number[];
  /** Shape in the second. */
  readonly shapeB: readonly number[];
}

/** A tensor that both have in one shape, to the bit once decoded. */
export interface EqualTensor {
  /** Tells it from the other outcomes. */
  readonly outcome: 'equal';
  /** Canonical name. */
  readonly name: string;
  /** Shape in both. */
  readonly shape: readonly number[];
  /** Type in the first model. */
  readonly dtypeA: DType;
  /** Type in the second. */
  readonly dtypeB: DType;
  /** Nothing was rounded. */
  readonly roundedTo: readonly [];
  /** Nothing differs. */
  readonly difference: undefined;
  /** So nothing has a cause. */
  readonly cause: undefined;
}

/** A tensor that both have in one shape with other values. */
export interface UnequalTensor extends Omit<EqualTensor, 'outcome' | 'roundedTo' | 'difference' | 'cause'> {
  /** `rounded`: no further off than rounding to the other's type explains. */
  readonly outcome: 'rounded' | 'different';
  /** Type to which one side's values were rounded, or both types where both come from a third; empty when different. */
  readonly roundedTo: readonly DType[];
  /** How far apart. */
  readonly difference: TensorDifference;
  /** Why, where it could be found out; undefined unless different. */
  readonly cause: TensorCause | undefined;
}

/** A tensor that both have in one shape. */
export type PairedTensor = EqualTensor | UnequalTensor;

/** What became of one tensor. */
export type TensorComparison = UnpairedTensor | ReshapedTensor | PairedTensor;

/** How far two tensors of one shape are apart, as float32 values. */
export interface TensorDifference {
  /** Number of elements that are not equal to the bit. */
  readonly differing: number;
  /** Number of elements that are further off than rounding explains. */
  readonly outliers: number;
  /** Largest absolute difference; Infinity where one side is not finite. */
  readonly maxAbs: number;
  /** Where that is; one index for each extent. */
  readonly maxAbsAt: readonly number[];
  /** Elements of the first that are NaN or infinite. */
  readonly notFiniteA: number;
  /** Elements of the second that are. */
  readonly notFiniteB: number;
  /** Root of the mean squared difference; Infinity where one side is not finite. */
  readonly rmse: number;
  /** The same relative to the root mean square of the first tensor. */
  readonly relativeRmse: number;
  /** Cosine of the angle between the two as vectors, of elements finite on both sides: 1 for equal directions. */
  readonly cosine: number;
}

/** Why two tensors differ, in the cases that have a name. */
export type TensorCause =
  | {
      /** The rows of a query or key projection lie in the order that rotary halves need, or were put back twice. */
      readonly kind: 'row-order';
      /**
       * `hf-order`: rows of the second lie in Hugging Face's order; `meta-order-twice`: they were put from
       * Hugging Face's order into Meta's although they lay in Meta's already.
       */
      readonly order: 'hf-order' | 'meta-order-twice';
    }
  | {
      /** The same rows in another order. */
      readonly kind: 'rows-moved';
      /** Number of rows that are not in their place. */
      readonly count: number;
      /** First such row of the second tensor. */
      readonly row: number;
      /** Row of the first tensor that stands there. */
      readonly from: number;
    }
  | {
      /** One single element differs. */
      readonly kind: 'one-weight';
      /** Where; one index for each extent. */
      readonly index: readonly number[];
      /** Value in the first tensor. */
      readonly a: number;
      /** Value in the second. */
      readonly b: number;
    };

/** How two sets of logits differ. */
export interface LogitDifference {
  /** Number of rows compared. */
  readonly rows: number;
  /** Largest absolute difference. */
  readonly maxAbs: number;
  /** Sum of squared differences over the sum of the first model's squares. */
  readonly nmse: number;
  /** Mean over the rows of the Kullback-Leibler divergence of the second model's probabilities, in nats. */
  readonly klMean: number;
  /** Largest of these. */
  readonly klMax: number;
  /** Rows in which both models think the same token likeliest. */
  readonly top1Agreements: number;
}

/** How well logits agree, in llama.cpp's words for bounds of the NMSE: 1e-6, 1e-4, 1e-3, 1e-2. */
export type Agreement = 'identical' | 'excellent' | 'very-good' | 'pass' | 'fail';

/** NMSE of the hidden states after one stage of the pass. */
export interface StageDifference {
  /** `tok_embeddings`, `layers.0`, …, `output`. */
  readonly stage: string;
  /** Sum of squared differences over the sum of the first model's squares. */
  readonly nmse: number;
}

/** One sequence of tokens run through both models. */
export interface LogitsRun extends LogitDifference {
  /** Whether the tokens are built in or were given, and at which positions they stood. */
  readonly tokensFrom: 'built-in' | 'given';
  /** `near`: positions 0, 1, 2, …; `far`: spread up to the end of the context, where a wrong rope shows. */
  readonly placement: 'near' | 'far';
  /** Token ids. */
  readonly tokens: readonly number[];
  /** Position of each. */
  readonly positions: readonly number[];
  /** llama.cpp's word for this NMSE. */
  readonly agreement: Agreement;
  /** Largest NMSE allowed for the types at hand. */
  readonly nmseLimit: number;
  /** NMSE after each stage, in order. */
  readonly stages: readonly StageDifference[];
  /** First stage above the limit; undefined when none is. */
  readonly partsAt: string | undefined;
}

/** A model that was compared. */
export type ComparedModel = Pick<LlamaModel, 'layout' | 'path' | 'name' | 'config'>;

/** Everything that comparing two models found out. */
export interface ModelComparison {
  /** First model: the one that is held to be right. */
  readonly a: ComparedModel;
  /** Second model. */
  readonly b: ComparedModel;
  /** The answer. */
  readonly verdict: Verdict;
  /** What the answer rests on, gravest sections first: hyperparameters, vocabulary, tensors, logits. */
  readonly findings: readonly Finding[];
  /** Hyperparameters that differ; empty when all are equal. */
  readonly config: readonly ConfigDifference[];
  /** How the vocabularies compare. */
  readonly vocabulary: VocabularyComparison;
  /** Every tensor of either model, in canonical order. */
  readonly tensors: readonly TensorComparison[];
  /** Runs through both models; empty when they were skipped. */
  readonly logits: readonly LogitsRun[];
}
