/**
 * An encoder that works in slots: reads a block, has it turned into the output's type, hands it on.
 *
 * @module
 */
import { type EncodedRows, type Encoder, type PlannedRows, isCopied, outputByteLength, sourceByteLength } from './encoder.js'; // prettier-ignore
import { type Slot, type Slots, inputOffset } from './slots.js';

/** Fills the slot's output, `out`, with the block in the output's type. `source` is the block as it was read. */
export type EncodeInSlot = (rows: PlannedRows, source: Uint8Array, out: Uint8Array, slot: Slot) => Promise<void>;

/** An encoder over these slots; `work` may take its time, the slots are what limits it. */
export function slottedEncoder(slots: Slots, work: EncodeInSlot, close: () => Promise<void>): Encoder {
  return {
    slots: slots.count,
    close,
    encode: async (rows, signal): Promise<EncodedRows> => {
      const slot = await slots.acquire();
      const release = (): void => slots.release(slot);
      try {
        signal?.throwIfAborted();
        const { piece, first, count } = rows;
        const offset = inputOffset(rows);
        const into = slot.input.subarray(offset, offset + sourceByteLength(rows));
        const source = await piece.tensor.readRows(first, count, { signal, into });
        if (isCopied(piece)) return { bytes: source, release };
        const bytes = slot.output.subarray(0, outputByteLength(rows));
        await work(rows, source, bytes, slot);
        return { bytes, release };
      } catch (cause) {
        release();
        throw cause;
      }
    },
  };
}
