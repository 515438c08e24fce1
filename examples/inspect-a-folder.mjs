// @ts-check
/**
 * Shows what a checkpoint is: release, hyperparameters, and what had to be decided about it.
 *
 *     node examples/inspect-a-folder.mjs ~/.llama/checkpoints/Llama3.2-1B-Instruct
 *
 * No weight is read: a 16 GB checkpoint answers as fast as this small one.
 *
 * Prints: ropeTheta 500000
 */
import { inspect } from 'llama-inspect/node';

const found = await inspect(process.argv[2] ?? 'fixtures/llama3.2-tiny');

// A path may hold one checkpoint, several, or files of tensors that are no checkpoint.
if (found.kind === 'several') {
  for (const { path, inspection, error } of found.checkpoints) console.log(path, inspection?.release ?? error?.message);
} else if (found.kind === 'loose') {
  for (const { path, tensors } of found.files) console.log(path, `${tensors.length} tensors`);
} else {
  const { name, release, config, parameterCount, decisions } = found.inspection;
  console.log(`${name}: ${release ?? 'a shape of its own'}, ${(parameterCount / 1e6).toFixed(2)} million parameters`);
  // Nothing is absent or -1 here, whatever params.json leaves out.
  for (const [key, value] of Object.entries(config ?? {})) console.log(`  ${key} ${JSON.stringify(value)}`);
  // Some values stand in no file. Each comes with the reason for which it was chosen.
  for (const { about, value, because } of decisions) console.log(`  ${about}: ${value}, because ${because}`);
}
