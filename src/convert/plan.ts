/**
 * A conversion as data: every file, every tensor and every byte offset, before a weight is read.
 *
 * `--dry-run` prints a plan, tests assert on it, `runPlan` executes it. Each file is a row of pieces, and
 * a piece is either bytes that are already known (headers, JSON, padding) or a lazy tensor.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { CheckpointError, type ErrorContext } from '../errors.js';
import type { Tensor } from '../formats/tensor.js';
import type { CastLoss } from '../quant/cast-loss.js';
import type { Decision } from '../llama/model.js';
import type { JsonValue } from '../integrity/canonical-json.js';
import type { BeginHash } from '../integrity/hash.js';
import type { ReadOptions } from '../source/byte-source.js';
import type { FileTypeName } from './file-types.js';

/** Bytes that are known when the plan is made. */
export interface BytesPiece {
  /** Tells the pieces apart. */
  readonly kind: 'bytes';
  /** The bytes themselves. */
  readonly bytes: Uint8Array;
}

/** A tensor to be streamed. */
export interface TensorPiece {
  /** Tells the pieces apart. */
  readonly kind: 'tensor';
  /** Name in the output's layout. */
  readonly name: string;
  /** Element type in the output. */
  readonly dtype: DType;
  /** Shape in PyTorch's order. */
  readonly shape: readonly number[];
  /** Canonical name of the tensor it is made of; undefined for tensors that are computed. */
  readonly from: string | undefined;
  /** Offset in the output file, in bytes. */
  readonly fileOffset: number;
  /** Length in the output file, in bytes. */
  readonly byteLength: number;
  /** The rows in the output's order, still in the source's type; its extents may be others of as many elements. */
  readonly tensor: Tensor;
  /** What casting loses, counted while the tensor is streamed; undefined for exact copies and quantized types. */
  readonly loss: CastLoss | undefined;
  /** A weight for each column, which quantizing takes into account. */
  readonly importance: Float32Array | undefined;
  /** Whether weights that are NaN or infinite are refused, as in every quantized file. */
  readonly finite: boolean;
}

/** Bytes that follow from what was written before them: checksums. */
export interface LatePiece {
  /** Tells the pieces apart. */
  readonly kind: 'late';
  /** Number of bytes, which is known before. */
  readonly byteLength: number;
  /** The bytes, when their turn comes. */
  readonly make: (written: WrittenSums) => Uint8Array;
}

/** Bytes that are made as they are written, so that they are never held as a whole: a long text. */
export interface MadePiece {
  /** Tells the pieces apart. */
  readonly kind: 'made';
  /** Number of bytes, which is known before. */
  readonly byteLength: number;
  /** The bytes in chunks, each good until the next is asked for. */
  readonly chunks: () => Iterable<Uint8Array>;
}

/** Checksums of what has been written so far. */
export interface WrittenSums {
  /** CRC-32 of each tensor of the file in hand, by its name in the output. */
  readonly tensorSums: ReadonlyMap<string, number>;
  /** MD5 in hexadecimal of each finished file that was to be hashed, by its name. */
  readonly fileHashes: ReadonlyMap<string, string>;
}

/** Part of an output file. */
export type FilePiece = BytesPiece | TensorPiece | LatePiece | MadePiece;

/** An output file. */
export interface PlannedFile {
  /** Name in the output folder. */
  readonly name: string;
  /** Its size in bytes. */
  readonly byteLength: number;
  /** Its content, in order. */
  readonly pieces: readonly FilePiece[];
  /** Whether a file after it tells its MD5; it is then taken while the file is written. */
  readonly hashed?: boolean | undefined;
}

/** Everything a conversion will write. */
export interface ConversionPlan {
  /** Format of the weights. */
  readonly to: 'safetensors' | 'gguf' | 'meta';
  /** Type of the files as a whole: `q4_k_m`; undefined where every tensor keeps its own. */
  readonly type: FileTypeName | undefined;
  /** Type most weights will have. */
  readonly dtype: DType;
  /** The files, in the order they are written. */
  readonly files: readonly PlannedFile[];
  /** Sum of all files, in bytes. */
  readonly byteLength: number;
  /** What was decided rather than read, and why. */
  readonly decisions: readonly Decision[];
  /** Things the person should know, one sentence each. */
  readonly warnings: readonly string[];
  /** Checks of the source that must pass before anything is written. */
  readonly beforeWriting: (options: { readonly signal?: AbortSignal | undefined }) => Promise<void>;
  /**
   * Begins the record of each file before it is written, where there is a lock file; undefined for that file itself, whose
   * content is known from then on.
   */
  readonly record?: ((file: PlannedFile, options: RecordOptions) => Promise<FileRecord | undefined>) | undefined;
  /** What this is of a conversion that is run in parts; undefined for a whole one. */
  readonly share?: PlanShare | undefined;
}

/** One of the parts of a conversion, each written by a process of its own. */
export interface ConversionPart {
  /** Which one, counted from 1. */
  readonly number: number;
  /** Number of parts. */
  readonly count: number;
}

/** Which conversion a part is of: two with equal identities write the same bytes. */
export interface ConversionIdentity {
  /** Version of the program. */
  readonly tool: string;
  /** Options that decide what is written. */
  readonly options: Readonly<Record<string, JsonValue>>;
  /** SHA-256 of what is known of the source without reading it whole. */
  readonly source: string;
  /** SHA-256 of every file of the plan, with its headers and the places of its tensors. */
  readonly plan: string;
}

/** What a plan is of a conversion that is run in parts. */
export interface PlanShare {
  /** The part; undefined for what is written when all parts are there. */
  readonly part: ConversionPart | undefined;
  /** Which conversion it is. */
  readonly identity: ConversionIdentity;
  /** Every file with weights of the whole conversion, in writing order. */
  readonly weights: readonly PartFile[];
  /** Names of the other files, which are written when all parts are there. */
  readonly others: readonly string[];
  /** Records of parts beside the output: the one that this part writes, or those that are removed at the end. */
  readonly records: readonly string[];
}

/** A file with weights, which a part writes. */
export interface PartFile extends Pick<PlannedFile, 'name' | 'byteLength'> {
  /** The part. */
  readonly part: ConversionPart;
}

/** How what is written is recorded. */
export interface RecordOptions extends ReadOptions {
  /** Hashing in other threads; in this one when absent. */
  readonly beginHash?: BeginHash | undefined;
}

/** Takes the bytes of a file that is being written. */
export interface FileRecord {
  /** The next bytes, and which rows of which tensor they are; they may be changed when it has settled. */
  take(bytes: Uint8Array, rows: RecordedRows | undefined): Promise<void>;
  /** The file is complete. */
  end(): Promise<void>;
}

/** Rows of a planned tensor as they are written. */
export interface RecordedRows {
  /** The tensor. */
  readonly piece: TensorPiece;
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
}

/** What a format says of its part of a plan. */
export interface PlannedKind extends Pick<ConversionPlan, 'type' | 'dtype' | 'files' | 'warnings'> {
  /** A check of weights that must pass before anything is written. */
  readonly expectExact?: ConversionPlan['beforeWriting'] | undefined;
}

/** Causes for which a conversion is refused or fails. */
export type ConvertErrorCode =
  | 'convert/bad-option'
  | 'convert/unsupported-type'
  | 'convert/unsupported-model'
  | 'convert/inexact'
  | 'convert/not-expressible'
  | 'convert/needs-importance'
  | 'convert/wrong-importance'
  | 'convert/requantize'
  | 'convert/not-finite'
  | 'convert/scale-overflow'
  | 'convert/thread-died'
  | 'convert/no-memory'
  | 'convert/no-tokenizer'
  | 'convert/exists'
  | 'convert/no-space'
  | 'convert/not-writable'
  | 'convert/write-failed'
  | 'convert/wrong-length'
  | 'convert/part-missing'
  | 'convert/part-mismatch'
  | 'convert/part-damaged';

/** A conversion that is refused, or an output that cannot be written. */
export class ConvertError extends CheckpointError {
  declare readonly code: ConvertErrorCode;

  constructor(code: ConvertErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}

/** Names of all files of the whole conversion, those with weights first, and of the records of parts. */
export function namesOfWhole({ files, share }: Pick<ConversionPlan, 'files' | 'share'>): string[] {
  if (share === undefined) return files.map(({ name }) => name);
  return [...share.weights.map(({ name }) => name), ...share.others, ...share.records];
}

/** A file of known bytes only. */
export function bytesFile(name: string, bytes: Uint8Array): PlannedFile {
  return { name, byteLength: bytes.byteLength, pieces: [{ kind: 'bytes', bytes }] };
}

/** A file of UTF-8 text. */
export function textFile(name: string, text: string): PlannedFile {
  return bytesFile(name, new TextEncoder().encode(text));
}

/** All tensors of a plan, in writing order. */
export function plannedTensors(plan: Pick<ConversionPlan, 'files'>): TensorPiece[] {
  return plan.files.flatMap((file) => file.pieces.filter((piece) => piece.kind === 'tensor'));
}
