// @ts-check
/**
 * Lets a checkpoint pass only when it is proven to be intact, for a deployment or a CI job.
 *
 *     node examples/verify-before-use.mjs FOLDER && start-the-server
 *
 * Prints: intact: 3 of 3 files as listed
 */
import { verifyFolder } from 'llama-inspect/node';

const { verdict, files, structure } = await verifyFolder(process.argv[2] ?? 'fixtures/llama3.2-tiny');

const bad = files.files.filter(({ status }) => status !== 'ok');
console.log(`${verdict}: ${files.files.length - bad.length} of ${files.files.length} files as listed`);
for (const { name, status } of bad) console.log(`  ${name}: ${status}`);
for (const { name, reason } of files.notCovered) console.log(`  ${name}: not checked (${reason})`);
console.log(`  tensors and hyperparameters: ${structure.error?.message ?? structure.status}`);

// There are three verdicts. Without a list nothing proves the bytes, and then the verdict is `unproven`.
process.exitCode = verdict === 'intact' ? 0 : 1;
