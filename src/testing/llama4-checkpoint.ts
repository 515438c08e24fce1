/**
 * A small Llama 4 with a tokenizer, all weights zero: the fixtures have no room for its 2048 special tokens.
 *
 * Not part of the package.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { openMetaCheckpoint } from '../llama/meta-checkpoint.js';
import { openDirectory } from '../source/directory.js';
import { type Folder, memoryFolder } from '../source/folder.js';
import { FIXTURES } from './fixtures.js';
import { pthBytes } from './small-checkpoints.js';

const FOLDER = join(FIXTURES, 'families', 'llama4-1shard');
const SPECIAL = 2048;

/** The file in the form of Llama 4's `tokenizer.model`, of 800 ranks that are none of Meta's. */
export function llama4TokenizerFile(): Uint8Array {
  const facts: unknown = JSON.parse(readFileSync(join(FIXTURES, 'tokenizers', 'llama4.json'), 'utf8'));
  return new TextEncoder().encode((facts as Record<string, string>)['tokenizer.model']);
}

/** The folder of Meta's. */
export async function llama4WithTokenizer(name: string): Promise<Folder> {
  const checkpoint = await openMetaCheckpoint(await openDirectory(FOLDER));
  await checkpoint.close();
  const file = llama4TokenizerFile();
  const rows = new TextDecoder().decode(file).trimEnd().split('\n').length + SPECIAL;
  const shapes = [...checkpoint.shards[0].tensors].map(([own, { shape }]): [string, readonly number[]] => {
    const isOfVocabulary = own === 'tok_embeddings.weight' || own === 'output.weight';
    return [own, isOfVocabulary ? [rows, ...shape.slice(1)] : shape];
  });
  const params = JSON.parse(new TextDecoder().decode(checkpoint.paramsFile)) as object;
  return memoryFolder(
    {
      'consolidated.00.pth': await pthBytes(Object.fromEntries(shapes)),
      'params.json': new TextEncoder().encode(JSON.stringify({ ...params, vocab_size: rows })),
      'tokenizer.model': file,
    },
    name,
  );
}
