/**
 * Position embeddings of tiles, as Meta has them and as Hugging Face has them.
 *
 * Meta's tensor has one for each place of a tile, `(tiles, tiles, patches, width)`. Hugging Face's table has a row for each
 * arrangement of tiles that is supported, with the embeddings of its tiles in reading order. So places that are in no
 * arrangement, because an image would need more tiles than there may be, are at Meta only; nothing ever reads them. In the
 * canonical form they are zeros, so that a model has one fingerprint in both layouts.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/multimodal/image_transform.py
 *   (find_supported_resolutions)
 * @see https://github.com/huggingface/transformers/blob/v4.45.2/src/transformers/models/mllama/convert_mllama_weights_to_hf.py
 * @module
 */
import { type StoredTensor, type Tensor, rowByteLengthOf } from '../../formats/tensor.js';
import { bufferFor } from '../../source/byte-source.js';

/** A number of tiles beside and below each other. */
export type TileGrid = readonly [height: number, width: number];

/** Every arrangement of at most so many tiles, in the order in which transformers numbers them, from 1. */
export function tileGrids(maxTiles: number): TileGrid[] {
  const sides = Array.from({ length: maxTiles }, (_, index) => index + 1);
  return sides.flatMap((height) =>
    sides.filter((width) => height * width <= maxTiles).map((width): TileGrid => [height, width]),
  );
}

/** Shape of Hugging Face's table for a tensor (tiles, tiles, patches, width) of Meta's; its first row is for no image. */
export function tileTableShape([maxTiles = 0, , patches = 0, width = 0]: readonly number[]): [number, number] {
  return [1 + tileGrids(maxTiles).length, maxTiles * patches * width];
}

/**
 * Hugging Face's table of a tensor (tiles, tiles, patches, width), in rows of `width`: for each arrangement its tiles, then
 * zeros. One read for each tile of a block.
 */
export function tilesByGrid(tensor: Tensor): Tensor {
  const [maxTiles = 0, , patches = 0, width = 0] = tensor.shape;
  const grids: readonly TileGrid[] = [[0, 0], ...tileGrids(maxTiles)];
  const shape = [grids.length * maxTiles * patches, width];
  return tilesFrom(tensor, shape, patches, (tile) => {
    const [height, across] = grids[Math.floor(tile / maxTiles)]!;
    const nth = tile % maxTiles;
    return nth < height * across ? Math.floor(nth / across) * maxTiles + (nth % across) : undefined;
  });
}

/** The tensor of this shape (tiles, tiles, patches, width) that a table of Hugging Face's stands for, in rows of `width`. */
export function tilesByPlace(table: Tensor, shape: readonly number[]): Tensor {
  const [maxTiles = 0, , patches = 0] = shape;
  const rowOf = new Map(tileGrids(maxTiles).map((grid, index) => [grid.join(), index + 1]));
  return tilesFrom(table, shape, patches, (tile) => {
    // the last tile of the smallest arrangement that has it
    const grid = [Math.floor(tile / maxTiles) + 1, (tile % maxTiles) + 1] as const;
    const row = rowOf.get(grid.join());
    return row === undefined ? undefined : row * maxTiles + grid[0] * grid[1] - 1;
  });
}

/** A tensor (tiles, tiles, patches, width) with zeros in the places that are in no arrangement. */
export function withoutUnusedTiles(tensor: Tensor): Tensor {
  const [maxTiles = 0, , patches = 0] = tensor.shape;
  return tilesFrom(tensor, tensor.shape, patches, (tile) => {
    const isUsed = (Math.floor(tile / maxTiles) + 1) * ((tile % maxTiles) + 1) <= maxTiles;
    return isUsed ? tile : undefined;
  });
}

/** A tensor as it lies in a file, with other extents of as many elements. */
export function withShape(tensor: StoredTensor, shape: readonly number[]): Tensor {
  const { name, dtype } = tensor;
  const rowBytes = rowByteLengthOf({ dtype, shape });
  return {
    ...{ name, dtype, shape },
    readRows: (first, count, options) => tensor.readBytes(first * rowBytes, count * rowBytes, options),
  };
}

/** A tensor whose tiles of `patches` rows are those of another tensor, or zeros. */
function tilesFrom(
  tensor: Tensor,
  shape: readonly number[],
  patches: number,
  sourceOf: (tile: number) => number | undefined,
): Tensor {
  const { name, dtype } = tensor;
  const rowBytes = rowByteLengthOf({ dtype, shape });
  return {
    ...{ name, dtype, shape },
    readRows: async (first, count, options) => {
      const bytes = bufferFor(count * rowBytes, options).fill(0);
      for (let row = first; row < first + count;) {
        const tile = Math.floor(row / patches);
        const run = Math.min((tile + 1) * patches, first + count) - row;
        const source = sourceOf(tile);
        if (source !== undefined) {
          const block = await tensor.readRows(source * patches + (row % patches), run, { ...options, into: undefined });
          bytes.set(block, (row - first) * rowBytes);
        }
        row += run;
      }
      return bytes;
    },
  };
}
