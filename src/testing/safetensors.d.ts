/**
 * Types of the npm package `safetensors`, which ships none. Under Node its UMD build is loaded.
 */
declare module 'safetensors' {
  /** A safetensors file in memory. */
  interface SafeTensor {
    /** What the header says of each tensor; offsets count from the start of the file. */
    readonly metadata: Map<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
    /** The bytes of a tensor. */
    getTensor(name: string): Uint8Array;
  }
  const library: {
    /** The buffer must start where its `ArrayBuffer` does, and the file must have no `__metadata__`. */
    readonly SafeTensor: new (buffer: Uint8Array) => SafeTensor;
  };
  export = library;
}
