// @ts-check
/**
 * Converts a checkpoint to GGUF, shows how far it is, and calls a second conversion off in the middle.
 *
 * Prints: called off, and nothing is left behind
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { convert, openModel, planConversionTo } from 'llama-inspect/node';

const output = await mkdtemp(join(tmpdir(), 'llama-inspect-example-'));
const model = await openModel('fixtures/llama3.2-tiny');

// A plan is data: every tensor and every byte offset, before a weight is read.
const plan = await planConversionTo(model, join(output, 'planned.gguf'), { to: 'gguf', type: 'f16' });
console.log(`${plan.files.length} files (the other is the lock file) of ${plan.byteLength} bytes are planned`);

let shown = 0;
const { loss } = await convert(model, join(output, 'tiny.gguf'), {
  to: 'gguf',
  type: 'f16',
  onProgress: ({ done, total }) => {
    const percent = Math.floor((100 * done) / total);
    if (percent < shown) return;
    console.log(`${percent} %`);
    shown += 25;
  },
});
console.log(`written; ${loss.overflowed} weights were too large for float16 and ${loss.flushedToZero} too small`);

// Aborting rejects with the signal's reason, and whatever was half written is removed.
const interruption = new AbortController();
try {
  await convert(model, join(output, 'never.gguf'), {
    to: 'gguf',
    signal: interruption.signal,
    onProgress: ({ done, total }) => done > total / 2 && interruption.abort(new Error('called off')),
  });
} catch (error) {
  const left = (await readdir(output)).filter((name) => !name.startsWith('tiny.gguf'));
  console.log(`${error instanceof Error ? error.message : 'failed'}, and ${left.join() || 'nothing'} is left behind`);
}

await model.close();
await rm(output, { recursive: true });
