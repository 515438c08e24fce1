/**
 * The innermost loop: four rows of weights by eight tokens, or by four.
 *
 * Tokens lie in the lanes, so each lane is one sum in the order of the columns, whatever its neighbours are. That is why
 * neither the number of tokens nor the place of a row changes a bit of a product. Eight sums, two vectors of
 * activations and a weight fit the sixteen registers of a vector unit; larger tiles do not, and neither does a loop
 * that is unrolled.
 *
 * @module
 */

/** Columns that are added up before their sum joins that of the columns before: part of what a product is, to the bit. */
export const COLUMNS: i32 = 256;

/** Bytes from a row of unpacked weights to the next. */
export const STRIDE: usize = 1024;

/**
 * Adds to `sums` (4 rows, 8 tokens) the products of unpacked weights at `w` (4 rows, {@link COLUMNS}) and activations at
 * `x` (columns, 8 tokens), over the first `length` columns.
 */
export function tile4x8(w: usize, x: usize, length: i32, sums: usize): void {
  const end = w + (<usize>length << 2);
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (; w < end; w += 4, x += 32) {
    const x0 = v128.load(x);
    const x1 = v128.load(x, 16);
    const a = v128.load32_splat(w);
    const b = v128.load32_splat(w, STRIDE);
    const c = v128.load32_splat(w, 2 * STRIDE);
    const d = v128.load32_splat(w, 3 * STRIDE);
    a0 = f32x4.add(a0, f32x4.mul(a, x0));
    a1 = f32x4.add(a1, f32x4.mul(a, x1));
    b0 = f32x4.add(b0, f32x4.mul(b, x0));
    b1 = f32x4.add(b1, f32x4.mul(b, x1));
    c0 = f32x4.add(c0, f32x4.mul(c, x0));
    c1 = f32x4.add(c1, f32x4.mul(c, x1));
    d0 = f32x4.add(d0, f32x4.mul(d, x0));
    d1 = f32x4.add(d1, f32x4.mul(d, x1));
  }
  addTo(sums, a0);
  addTo(sums + 16, a1);
  addTo(sums + 32, b0);
  addTo(sums + 48, b1);
  addTo(sums + 64, c0);
  addTo(sums + 80, c1);
  addTo(sums + 96, d0);
  addTo(sums + 112, d1);
}

/** {@link tile4x8} for the first four of eight tokens; the other four sums stay as they are. */
export function tile4x4(w: usize, x: usize, length: i32, sums: usize): void {
  const end = w + (<usize>length << 2);
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  for (; w < end; w += 4, x += 32) {
    const x0 = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(v128.load32_splat(w), x0));
    b0 = f32x4.add(b0, f32x4.mul(v128.load32_splat(w, STRIDE), x0));
    c0 = f32x4.add(c0, f32x4.mul(v128.load32_splat(w, 2 * STRIDE), x0));
    d0 = f32x4.add(d0, f32x4.mul(v128.load32_splat(w, 3 * STRIDE), x0));
  }
  addTo(sums, a0);
  addTo(sums + 32, b0);
  addTo(sums + 64, c0);
  addTo(sums + 96, d0);
}

// @ts-ignore: decorator
@inline
function addTo(sums: usize, addend: v128): void {
  v128.store(sums, f32x4.add(v128.load(sums), addend));
}
