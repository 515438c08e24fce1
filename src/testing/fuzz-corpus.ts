/**
 * The files that fuzzing starts from: every small fixture, and small files of our own writers.
 *
 * Not part of the package.
 *
 * @module
 */
import { tokenizerJsonText } from './vocabularies.js';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { memorySink } from '../source/byte-sink.js';
import { memorySource } from '../source/memory.js';
import { identifyBytes } from '../source/identify.js';
import { parseTokenizerModel } from '../tokenizer/tokenizer-model.js';
import { openZip } from '../zip/archive.js';
import { zipWriter } from '../zip/writer.js';
import { FIXTURES } from './fixtures.js';
import { WHOLE } from './gguf-bytes.js';
import { THREE_PARTS } from './gguf-parts.js';
import { BINARY_PICKLES, OBJECT_PICKLES, PLAIN_PICKLES } from './pickle-golden.js';
import { fromHex } from './pickle-assembler.js';
import { ggufBytes, pthBytes, safetensorsBytes, smallHfFiles, smallHfShapes } from './small-checkpoints.js';
import { BPE_TRAINER, START_PIECES, piece } from './sentencepiece-model.js';

/** What a file of the corpus is. */
export type CorpusFormat =
  | 'torch-zip'
  | 'torch-legacy'
  | 'safetensors'
  | 'gguf'
  | 'gguf-part'
  | 'pickle'
  | 'tokenizer'
  | 'json'
  | 'checklist'
  | 'other';

/** A part of a file that can be damaged by itself, the rest staying sound around it. */
export interface InnerPart {
  /** What it is called: the name of a member, `header`. */
  readonly name: string;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** The file with other bytes in its place. */
  rebuild(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A file to begin with. */
export interface CorpusFile {
  /** Path below `fixtures/`, or what it was made by. */
  readonly name: string;
  /** What it is. */
  readonly format: CorpusFormat;
  /** Its bytes; not to be changed. */
  readonly bytes: Uint8Array;
  /** Parts that can be damaged by themselves. */
  readonly inner: readonly InnerPart[];
}

/** Larger files are left out: a case should take a millisecond, and their small relatives have the same structure. */
const LARGEST_FILE = 1 << 16;

/** Reads all of it, some 500 files; or only those that our writers make. */
export async function loadCorpus({ fixtures = true } = {}): Promise<CorpusFile[]> {
  const files = [...(fixtures ? fixtureFiles() : []), ...(await madeFiles())];
  const withInner = await Promise.all(files.map(async (file) => ({ ...file, inner: await innerParts(file) })));
  const pickles = withInner.flatMap(({ name, inner }) =>
    inner
      .filter((part) => part.name.endsWith('data.pkl'))
      .map(({ bytes }): CorpusFile => ({ name: `${name} : data.pkl`, format: 'pickle', bytes, inner: [] })),
  );
  return [...withInner, ...pickles];
}

type BareFile = Omit<CorpusFile, 'inner'>;

function fixtureFiles(): BareFile[] {
  const paths = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.startsWith('fuzz/') && !path.includes('expected') && !/(?:ORIGIN|\.md)$/.test(path))
    .filter((path) => statSync(join(FIXTURES, path)).isFile())
    .sort();
  return paths.flatMap((name): BareFile[] => {
    const whole = new Uint8Array(readFileSync(join(FIXTURES, name)));
    const format = formatOf(name, whole);
    const bytes = format === 'tokenizer' ? firstLines(whole, 4096) : whole;
    return bytes.length > LARGEST_FILE ? [] : [{ name, format, bytes }];
  });
}

function formatOf(name: string, bytes: Uint8Array): CorpusFormat {
  if (name.endsWith('tokenizer.model')) return 'tokenizer';
  if (name.endsWith('.chk')) return 'checklist';
  if (name.endsWith('.json')) return 'json';
  const { kind } = identifyBytes(bytes, bytes.length);
  if (kind === 'zip') return 'torch-zip';
  return kind === 'torch-legacy' || kind === 'safetensors' || kind === 'gguf' || kind === 'pickle' ? kind : 'other';
}

/** A tiktoken file ends well behind any of its lines; a SentencePiece model so cut off is damaged, which does no harm. */
function firstLines(bytes: Uint8Array, most: number): Uint8Array {
  const end = bytes.subarray(0, most).lastIndexOf(0x0a) + 1;
  return bytes.slice(0, end === 0 ? most : end);
}

async function madeFiles(): Promise<BareFile[]> {
  const pieces = ['▁a', 'b', '▁ab', '<0x0A>', 'é'].flatMap((text, index) => piece(text, -index));
  const sentencePiece = Uint8Array.from([...START_PIECES, ...pieces, ...BPE_TRAINER]);
  const joining = parseTokenizerModel(sentencePiece, { generation: 'llama3', endOfTurn: false });
  // a tokenizer.json cannot say that spaces are joined, as this model without settings does
  const vocabulary = { ...joining, spaces: { addPrefix: true, removeExtra: false } };
  const hf = smallHfFiles();
  const made: readonly (readonly [string, CorpusFormat, Uint8Array])[] = [
    ['every type', 'gguf', WHOLE],
    ['a small Llama', 'gguf', ggufBytes()],
    ['no tensors', 'gguf', ggufBytes([], {})],
    ...Object.entries(THREE_PARTS).map(([name, bytes]) => [name, 'gguf-part', bytes] as const),
    ['a small Llama', 'safetensors', safetensorsBytes(smallHfShapes())],
    ['scalars and nothing', 'safetensors', safetensorsBytes({ a: [], b: [0, 4], 'c.0': [1, 1, 3] })],
    ['a small Llama', 'torch-zip', await pthBytes(smallHfShapes())],
    ['a SentencePiece model', 'tokenizer', sentencePiece],
    ['tokenizer.json', 'json', new TextEncoder().encode(tokenizerJsonText(vocabulary))],
    ['config.json', 'json', hf['config.json']!],
    ...[...PLAIN_PICKLES, ...BINARY_PICKLES, ...Object.values(OBJECT_PICKLES)].map(
      (hex, index) => [`of CPython, ${index}`, 'pickle', fromHex(hex)] as const,
    ),
  ];
  return made.map(([name, format, bytes]) => ({ name: `made: ${format}, ${name}`, format, bytes }));
}

/** The members of an archive, or the header of a safetensors file; nothing where it cannot be opened. */
async function innerParts({ format, bytes }: BareFile): Promise<InnerPart[]> {
  if (format === 'safetensors') return safetensorsHeader(bytes);
  return format === 'torch-zip' ? archiveMembers(bytes).catch(() => []) : [];
}

function safetensorsHeader(bytes: Uint8Array): InnerPart[] {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - 8) return [];
  const rebuild = (header: Uint8Array): Uint8Array => {
    const all = new Uint8Array(8 + header.length + bytes.length - 8 - length);
    new DataView(all.buffer).setUint32(0, header.length, true);
    all.set(header, 8);
    all.set(bytes.subarray(8 + length), 8 + header.length);
    return all;
  };
  return [{ name: 'header', bytes: bytes.subarray(8, 8 + length), rebuild }];
}

async function archiveMembers(bytes: Uint8Array): Promise<InnerPart[]> {
  const archive = await openZip(memorySource(bytes));
  const members: { name: string; bytes: Uint8Array }[] = [];
  for (const entry of archive.entries) {
    const member = archive.openMember(entry);
    members.push({ name: entry.name, bytes: await member.read(0, member.size) });
  }
  const isWorthIt = ({ name }: { name: string }): boolean => /(?:data\.pkl|byteorder|version)$/.test(name);
  return members.filter(isWorthIt).map((part) => ({
    ...part,
    rebuild: async (changed) => {
      const sink = memorySink();
      const writer = zipWriter(sink);
      for (const member of members) {
        const data = member.name === part.name ? changed : member.bytes;
        await writer.add(member.name, data.length, data);
      }
      await writer.finish();
      return sink.bytes();
    },
  }));
}
