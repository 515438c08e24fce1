/**
 * What fuzzing runs: programs that meet any bytes with a value or a {@link CheckpointError}.
 *
 * To have another reader fuzzed, add it to {@link FUZZ_TARGETS}. Not part of the package.
 *
 * @module
 */
import { CheckpointError } from '../errors.js';
import { openGgufParts } from '../formats/gguf/open-parts.js';
import { objectAsJson } from '../formats/torch/object-json.js';
import { openTorchFile } from '../formats/torch/torch-file.js';
import { parseChecklist } from '../integrity/checklist.js';
import { scanSource } from '../integrity/scan/scan-folder.js';
import { parseHfConfig } from '../llama/hf-config.js';
import { parseParams } from '../llama/params.js';
import { describeValue } from '../pickle/describe.js';
import { parsePickle } from '../pickle/machine.js';
import { walkPickle } from '../pickle/walk.js';
import { memoryFolder } from '../source/folder.js';
import { memorySource } from '../source/memory.js';
import { parseTokenizerJson } from '../tokenizer/tokenizer-json-read.js';
import { parseTokenizerModel } from '../tokenizer/tokenizer-model.js';
import { Unsound, exercise, exerciseFile } from './exercise.js';
import type { CorpusFormat } from './fuzz-corpus.js';
import { THREE_PARTS } from './gguf-parts.js';
import { countingFolder } from './small-checkpoints.js';

/** A program that is given damaged files. */
export interface FuzzTarget {
  /** What it is called in findings. */
  readonly name: string;
  /** What its files are made from. */
  readonly formats: readonly CorpusFormat[];
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
  /** Meets the bytes; may throw a CheckpointError and nothing else. */
  run(bytes: Uint8Array): unknown;
}

const SOUND_PARTS = Object.entries(THREE_PARTS);

const READ: readonly CorpusFormat[] = ['torch-zip', 'torch-legacy', 'safetensors', 'gguf'];

/** All that is fuzzed. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'open',
    // the formats that are read come more often than what is refused by its first bytes
    formats: [...READ, ...READ, ...READ, 'torch-zip', 'gguf-part', 'pickle', 'other'],
    weight: 12,
    run: (bytes) => exercise(bytes, 'x.pth'),
  },
  { name: 'scan', formats: [...READ, 'torch-zip', 'pickle', 'other'], weight: 5, run: scan },
  { name: 'object-json', formats: ['torch-zip', 'torch-legacy', 'torch-zip'], weight: 2, run: describeObject },
  { name: 'gguf-parts', formats: ['gguf-part'], weight: 1, run: openAsPart },
  { name: 'walk-pickle', formats: ['pickle', 'torch-legacy'], weight: 2, run: walk },
  { name: 'parse-pickle', formats: ['pickle'], weight: 2, run: (bytes) => describeValue(parsePickle(bytes).value) },
  { name: 'tokenizer-model', formats: ['tokenizer'], weight: 1, run: readTokenizer },
  { name: 'tokenizer-json', formats: ['json'], weight: 0.3, run: (bytes) => parseTokenizerJson(bytes).merges() },
  { name: 'params', formats: ['json'], weight: 0.4, run: (bytes) => parseParams(bytes, 'params.json') },
  { name: 'hf-config', formats: ['json'], weight: 0.4, run: (bytes) => parseHfConfig(latin1(bytes), 'config.json') },
  { name: 'checklist', formats: ['checklist'], weight: 0.2, run: (bytes) => parseChecklist(bytes) },
];

/** Runs a target: `read`, or the code of the CheckpointError. Throws anything else, which is a fault. */
export async function attempt(target: Pick<FuzzTarget, 'run'>, bytes: Uint8Array): Promise<string> {
  const copy = bytes.slice();
  const outcome = await outcomeOf(target, bytes);
  if (Buffer.compare(copy, bytes) !== 0) throw new Unsound('the file was changed while it was read');
  return outcome;
}

async function outcomeOf(target: Pick<FuzzTarget, 'run'>, bytes: Uint8Array): Promise<string> {
  try {
    await target.run(bytes);
    return 'read';
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    if (error.message === '' || !/^[a-z]+\/[a-z0-9-]+$/.test(error.code)) throw new Unsound('an error without words');
    return error.code;
  }
}

/** The bytes as each of three parts, the other two sound; refused where none of it is a model. */
async function openAsPart(bytes: Uint8Array): Promise<void> {
  const refusals: CheckpointError[] = [];
  for (const [name] of SOUND_PARTS) {
    const folder = countingFolder(memoryFolder({ ...THREE_PARTS, [name]: bytes }));
    try {
      await using file = await openGgufParts(folder, SOUND_PARTS[0]![0]);
      await exerciseFile(file);
    } catch (cause) {
      if (!(cause instanceof CheckpointError)) throw cause;
      refusals.push(cause);
    }
    if (folder.openFiles() > 0) throw new Unsound(`${folder.openFiles()} parts were left open`);
  }
  if (refusals.length === SOUND_PARTS.length) throw refusals[0]!;
}

/** Scans find, and never refuse. */
async function scan(bytes: Uint8Array): Promise<void> {
  const report = await scanSource(memorySource(bytes, 'x.pth')).catch((cause: unknown) => {
    throw new Unsound(`a scan threw ${String(cause)}`, { cause });
  });
  const [file] = report.files;
  if (file === undefined || (file.verdict === 'clean') !== (file.findings.length === 0 && file.error === null)) {
    throw new Unsound('a verdict that its findings contradict');
  }
  for (const { offset, fileOffset } of file.findings) {
    if ((fileOffset ?? 0) > bytes.length || (offset ?? 0) < 0) throw new Unsound('a finding outside of the file');
  }
}

async function describeObject(bytes: Uint8Array): Promise<void> {
  await using file = await openTorchFile(memorySource(bytes, 'x.pth'));
  const { root } = await objectAsJson(file);
  JSON.stringify(root);
}

/** Walks never refuse what a pickle holds, so an error of any kind is a fault. */
async function walk(bytes: Uint8Array): Promise<void> {
  const { start, end, stopped, fault } = await walkPickle(memorySource(bytes)).catch((cause: unknown) => {
    throw new Unsound(`a walk threw ${String(cause)}`, { cause });
  });
  if (start > end || end > bytes.length) throw new Unsound(`a walk ended at ${end} of ${bytes.length}`);
  if (!stopped && fault === undefined) throw new Unsound('a walk neither stopped nor found a fault');
}

function readTokenizer(bytes: Uint8Array): void {
  const vocabulary = parseTokenizerModel(bytes, { generation: 'llama3', endOfTurn: false });
  if (vocabulary.pieces.length !== vocabulary.size) throw new Unsound('a vocabulary of another size than it says');
  vocabulary.merges();
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
