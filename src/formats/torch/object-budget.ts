/**
 * How large the JSON of a pickled object may become.
 *
 * Parts that an object shares are written once for each place, so a pickle of a kilobyte may be a trillion
 * values as a tree. Opening such a file costs nothing; writing it out is refused.
 *
 * @module
 */
import { TorchError } from './torch-error.js';

/** Values that are written; a checkpoint of 10,000 tensors has 20,000, and a vocabulary of 250,000 words 500,000. */
const MOST_VALUES = 1 << 20;

/** Characters of all text together, and a quarter of the bytes that are hashed: twice the longest ordinary pickle. */
const MOST_CHARACTERS = 2 ** 26;

/** Levels; Python's pickler gives up near 1,000. JSON has up to four for each, and `JSON.stringify` recurses. */
const DEEPEST = 1000;

/** Counts what is written, and throws TorchError `torch/too-large` when it is too much. */
export class ObjectBudget {
  readonly #path: string;
  #values = 0;
  #characters = 0;

  /** @param path - file that errors name */
  constructor(path: string) {
    this.#path = path;
  }

  /** Counts a value at a depth. */
  value(depth: number): void {
    this.#values += 1;
    if (this.#values > MOST_VALUES) this.#refuse(`it has more than ${MOST_VALUES} values when written out`);
    if (depth > DEEPEST) this.#refuse(`it is nested more than ${DEEPEST} levels deep`);
  }

  /** Counts text. */
  text(characters: number): void {
    this.#characters += characters;
    if (this.#characters > MOST_CHARACTERS) this.#refuse(`it has more than ${MOST_CHARACTERS} characters of text`);
  }

  #refuse(reason: string): never {
    throw new TorchError('torch/too-large', `the pickled object is too large for JSON: ${reason}`, {
      path: this.#path,
    });
  }
}
