// @ts-check
/**
 * Proves that a converted file is the same model, and shows how it finds one that is not.
 *
 * Prints: different: ropeScaling.factor
 */
import { compareModels, convert, memoryOutput, openModel } from 'llama-inspect/node';

const original = await openModel('fixtures/llama3.2-tiny');

// Converted in memory here, as a browser would; a path in place of `output` writes to disk.
const output = memoryOutput();
await convert(original, output, { to: 'gguf', type: 'f16', fileName: 'tiny.gguf' });
const converted = await openModel(output.files.get('tiny.gguf') ?? new Uint8Array());

// float16 rounds what bfloat16 holds: never further than its own precision, or the verdict would be `different`.
const good = await compareModels(original, converted);
console.log(`${good.verdict}: ${good.tensors.length} tensors, ${good.findings.length} findings`);

// The rope factor stands in no file of Meta's. A wrong one changes no weight and no short prompt.
const wrong = await openModel('fixtures/llama3.2-tiny', { ropeFactor: 32 });
const bad = await compareModels(wrong, converted);
console.log(`${bad.verdict}: ${bad.findings.find(({ level }) => level === 'failure')?.subject}`);

for (const model of [original, converted, wrong]) await model.close();
