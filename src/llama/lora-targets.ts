/**
 * Which modules an adapter says it changes, held against those that it has factors for.
 *
 * PEFT takes a list of names or ends of names, and may narrow it to some layers; a text is a regular expression, and one of
 * a stranger's is not run here.
 *
 * @see https://github.com/huggingface/peft/blob/main/src/peft/tuners/tuners_utils.py (check_target_module_exists)
 * @module
 */
import { shownName } from '../formats/shown-name.js';

/** The modules that `adapter_config.json` names. */
export interface LoraTargets {
  /** Names of modules or their ends, whole between dots; undefined where the file has a pattern for them. */
  readonly names: readonly string[] | undefined;
  /** Layers to which the names are narrowed; undefined where all are meant. */
  readonly layers: readonly number[] | undefined;
}

/**
 * Refuses what these settings cannot mean.
 *
 * @throws whatever `refuse` makes of the message
 */
export function parseLoraTargets(
  json: Readonly<Record<string, unknown>>,
  refuse: (message: string) => never,
): LoraTargets {
  const { target_modules: names = null, layers_to_transform: layers = null } = json;
  const numbers = Array.isArray(layers) ? layers : layers === null ? [] : [layers];
  if (!numbers.every((layer): layer is number => Number.isInteger(layer) && layer >= 0)) {
    refuse(`layers_to_transform must be numbers of layers, found ${JSON.stringify(layers)}`);
  }
  const isText = typeof names === 'string' || names === null;
  if (!isText && !(Array.isArray(names) && names.every((name) => typeof name === 'string'))) {
    refuse(`target_modules must be names of modules, found ${JSON.stringify(names)}`);
  }
  return { names: isText ? undefined : names, layers: numbers.length === 0 ? undefined : numbers };
}

/**
 * How the modules that have factors, by their whole names, differ from those that are named; undefined where they do not.
 */
export function targetMismatch({ names, layers }: LoraTargets, modules: readonly string[]): string | undefined {
  if (names === undefined) return undefined;
  const isEnd = (module: string): boolean => names.some((name) => module.endsWith(`.${name}`));
  for (const module of modules) {
    if (names.includes(module)) continue;
    if (!isEnd(module)) return `there are weights for ${lastPart(module)}, which target_modules does not name`;
    if (layers?.includes(layerOf(module)) === false) {
      return `there are weights for ${module}, whose layer layers_to_transform leaves out`;
    }
  }
  const idle = names.find((name) => !modules.some((module) => module === name || module.endsWith(`.${name}`)));
  if (idle !== undefined) return `target_modules names ${shownName(idle)}, for which there are no weights`;
  const empty = layers?.find((layer) => !modules.some((module) => layerOf(module) === layer));
  return empty === undefined ? undefined : `layers_to_transform names ${empty}, for which there are no weights`;
}

function lastPart(module: string): string {
  return module.slice(module.lastIndexOf('.') + 1);
}

/** Number of the layer that a module lies in; NaN where it lies in none. */
function layerOf(module: string): number {
  return Number(/\.(\d+)\./.exec(module)?.[1] ?? NaN);
}
