/**
 * Hyperparameters of two models, side by side.
 *
 * Numbers are compared as float32, because that is what GGUF stores; 1e-05 in a JSON file and its
 * float32 neighbour in GGUF are one value to every implementation.
 *
 * @module
 */
import { familySettings } from '../llama/family-settings.js';
import type { LlamaConfig, LlamaModel, RopeScaling } from '../llama/model.js';
import type { ConfigDifference, ConfigValue, Finding } from './comparison.js';

/** Hyperparameters that decide which tensors there are and how large. */
const SHAPE_KEYS: ReadonlySet<string> = new Set([
  'dim',
  'nLayers',
  'nHeads',
  'nKvHeads',
  'headDim',
  'ffnDim',
  'vocabSize',
]);

/** Settings of two models that differ: those of `LlamaConfig`, then those of the family, of which text models have none. */
export function compareSettings(
  a: Pick<LlamaModel, 'config' | 'family'>,
  b: Pick<LlamaModel, 'config' | 'family'>,
): ConfigDifference[] {
  const [own, other] = [familySettings(a) ?? { kind: 'text' }, familySettings(b) ?? { kind: 'text' }];
  // models of unlike kinds have no further settings in common
  const family =
    own['kind'] === other['kind']
      ? differences(Object.entries(own), Object.entries(other))
      : [{ key: 'kind', a: own['kind'] ?? null, b: other['kind'] ?? null }];
  return [...compareConfigs(a.config, b.config), ...family];
}

/** Hyperparameters that differ, in the order of `LlamaConfig`; the parts of the rope scaling one by one. */
export function compareConfigs(a: LlamaConfig, b: LlamaConfig): ConfigDifference[] {
  return differences(flattened(a), flattened(b));
}

type Entries = readonly (readonly [string, ConfigValue])[];

function differences(a: Entries, b: Entries): ConfigDifference[] {
  const valuesB = new Map(b);
  return a.flatMap(([key, value]) => {
    const other = valuesB.get(key) ?? null;
    return isSame(value, other) ? [] : [{ key, a: value, b: other }];
  });
}

/** What each difference means. */
export function configFindings(found: readonly ConfigDifference[]): Finding[] {
  return found.map(({ key, a, b }): Finding => {
    const values = `${shown(a)} in the first, ${shown(b)} in the second`;
    if (key === 'contextLength') {
      const message = `the context length is ${values}; it limits use, not what is computed`;
      return { level: 'note', code: 'context-length', subject: key, message };
    }
    if (key === 'tied') {
      const message = `the output matrix is ${a === true ? 'the embedding' : 'a tensor of its own'} in the first and ${b === true ? 'the embedding' : 'a tensor of its own'} in the second`;
      return { level: 'note', code: 'tied', subject: key, message };
    }
    return { level: 'failure', code: 'hyperparameter', subject: key, message: `${key} is ${values}` };
  });
}

/** Whether the models have layers of one shape, so that both can be run on the same tokens and compared. */
export function haveSameShapes(found: readonly ConfigDifference[]): boolean {
  return !found.some(({ key }) => SHAPE_KEYS.has(key));
}

function flattened({ ropeScaling, ...rest }: LlamaConfig): [string, ConfigValue][] {
  return [...Object.entries(rest), ...scalingEntries(ropeScaling)];
}

function scalingEntries(scaling: RopeScaling | null): [string, ConfigValue][] {
  return [
    ['ropeScaling.factor', scaling?.factor ?? null],
    ['ropeScaling.lowFreqFactor', scaling?.lowFreqFactor ?? null],
    ['ropeScaling.highFreqFactor', scaling?.highFreqFactor ?? null],
    ['ropeScaling.originalContextLength', scaling?.originalContextLength ?? null],
  ];
}

function isSame(a: ConfigValue, b: ConfigValue): boolean {
  return typeof a === 'number' && typeof b === 'number' ? Math.fround(a) === Math.fround(b) : a === b;
}

function shown(value: ConfigValue): string {
  return value === null ? 'absent' : String(value);
}
