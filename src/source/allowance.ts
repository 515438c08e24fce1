/**
 * How much several may keep together.
 *
 * @module
 */

/** A number of bytes that are shared by all who keep some. */
export class Allowance {
  #left: number;

  /** @param byteLength - most bytes that are kept by all together */
  constructor(byteLength: number) {
    this.#left = byteLength;
  }

  /** What one of them calls with all that it keeps from here on; false where that is too much, and nothing changes then. */
  share(): (byteLength: number) => boolean {
    let held = 0;
    return (byteLength) => {
      if (byteLength - held > this.#left) return false;
      this.#left -= byteLength - held;
      held = byteLength;
      return true;
    };
  }
}
