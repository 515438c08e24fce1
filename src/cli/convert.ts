/**
 * `llama-inspect convert SOURCE --to FORMAT --output PATH`.
 *
 * @module
 */
import { type Command, Option } from 'commander';

import type { TensorTypeOverride } from '../convert/mixture.js';
import type { ConvertOptions } from '../convert/options.js';
import { type QuantizingOption, idleQuantizingOption } from '../convert/quantizing-options.js';
import type { LlamaModel } from '../llama/model.js';
import type { OperationOptions } from '../options.js';
import type { CommandContext } from './context.js';
import { usageError } from './errors.js';
import { parseRopeFactor, parseSize } from './parse-options.js';
import { collectTensorType, parseFileType, parseTensorType } from './parse-types.js';
import type { Bind } from './program.js';
import { keepHeapSmall } from './small-heap.js';

const EXAMPLES = `
The output appears whole or not at all. Without --type the weights keep their
own type and nothing is lost; "to prove it" at the end names the check.

Examples:
  $ llama-inspect convert Llama3.2-1B-Instruct --to safetensors --output ./hf
  $ llama-inspect convert Llama3.2-1B-Instruct --to gguf --output 1b.gguf
  $ llama-inspect convert ./hf --to gguf --type f16 -o 1b-f16.gguf
  $ llama-inspect convert ./hf --to gguf --type q4_k_m -o 1b-q4.gguf
  $ llama-inspect convert 1b-f16.gguf --to gguf --type q4_k_m \\
      --imatrix 1b.imatrix --tensor-type 'ffn_down=q6_k' -o 1b-q4.gguf
  $ llama-inspect convert Llama3.1-70B --to safetensors -o ./hf --dry-run`;

interface ConvertCommandOptions extends Pick<
  ConvertOptions,
  'to' | 'type' | 'maxShardSize' | 'mergesAs' | 'pure' | 'outputType' | 'embeddingType' | 'allowRequantize'
> {
  readonly output: string;
  readonly imatrix?: string;
  readonly tensorType?: readonly TensorTypeOverride[];
  readonly ropeFactor?: number;
  readonly dryRun?: boolean;
  readonly all?: boolean;
  readonly force?: boolean;
  readonly lock?: boolean;
}

/** Adds the command. */
export function addConvert(program: Command, bind: Bind): void {
  program
    .command('convert')
    .summary('to Hugging Face safetensors or GGUF')
    .description('Convert a checkpoint of any layout to a Hugging Face folder or a GGUF file, in bounded memory.')
    .argument('<source>', 'checkpoint')
    .addOption(new Option('--to <format>', 'what to write').choices(['safetensors', 'gguf']).makeOptionMandatory())
    .requiredOption('-o, --output <path>', 'folder (safetensors) or file (gguf) to write')
    .option(
      '--type <type>',
      'f32, f16, bf16, q8_0, q4_k_m, … as llama.cpp names them; their own if not given',
      parseFileType,
    )
    .option('--imatrix <file>', 'quantized: importance matrix of llama-imatrix')
    .option('--pure', 'quantized: one type for all matrices, without the mixture')
    .option(
      '--tensor-type <pattern=type>',
      'quantized: type of the tensors in whose GGUF name the regular expression is found; repeatable',
      collectTensorType,
    )
    .option('--output-type <type>', 'quantized: type of output.weight', parseTensorType)
    .option('--embedding-type <type>', 'quantized: type of token_embd.weight', parseTensorType)
    .option('--allow-requantize', 'quantize weights that are quantized already')
    .option('--max-shard-size <size>', 'most bytes of a safetensors file; 5GB if not given', parseSize)
    .addOption(
      new Option(
        '--merges-as <form>',
        'merges in tokenizer.json: strings as Meta publishes them (the default), pairs as tokenizers 0.20 writes them',
      ).choices(['strings', 'pairs']),
    )
    .option('--rope-factor <number>', 'rope factor in place of the one chosen or stated', parseRopeFactor)
    .option('--dry-run', 'show what would be written, and write nothing')
    .option('--all', 'with --dry-run: each tensor with its offset')
    .option('--no-lock', 'no lock file beside the output (see docs/fingerprints.md)')
    .option('--force', 'replace files that exist')
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, source: string, options: ConvertCommandOptions) => {
        expectConsistent(options);
        keepHeapSmall();
        const wanted = { ...options, ...(await quantizing(context, options)) };
        const { openModel } = await import('../llama/open-path-node.js');
        const { signal } = context;
        await using model = await openModel(source, { ropeFactor: options.ropeFactor, signal });
        await (options.dryRun === true ? showPlan(context, model, wanted) : convert(context, model, wanted));
        return 0;
      }),
    );
}

function expectConsistent(options: ConvertCommandOptions): void {
  const { to, maxShardSize, mergesAs, all, dryRun } = options;
  if (to === 'gguf' && maxShardSize !== undefined) {
    throw usageError('--max-shard-size is for safetensors; a GGUF file is always one');
  }
  if (to === 'gguf' && mergesAs !== undefined) throw usageError('--merges-as is for the tokenizer.json of safetensors');
  if (all === true && dryRun !== true) throw usageError('--all is for --dry-run');
  const { imatrix: importance, tensorType: tensorTypes } = options;
  const idle = idleQuantizingOption({ ...options, importance, tensorTypes });
  if (idle !== undefined) throw usageError(`${FLAGS[idle]} is for quantized types; give --type q4_k_m or another`);
}

/** How the options that say how to quantize are spelled. */
const FLAGS: Readonly<Record<QuantizingOption, string>> = {
  importance: '--imatrix',
  pure: '--pure',
  tensorTypes: '--tensor-type',
  outputType: '--output-type',
  embeddingType: '--embedding-type',
  allowRequantize: '--allow-requantize',
};

/** What is asked of quantizing, under the library's names; reads the importance matrix. */
async function quantizing(
  { signal }: CommandContext,
  { imatrix, tensorType: tensorTypes }: ConvertCommandOptions,
): Promise<Pick<ConvertOptions, 'importance' | 'tensorTypes'>> {
  if (imatrix === undefined) return { tensorTypes };
  const { readImportance } = await import('../convert/importance-path-node.js');
  return { tensorTypes, importance: await readImportance(imatrix, { signal }) };
}

async function showPlan(context: CommandContext, model: LlamaModel, options: ConvertCommandOptions): Promise<void> {
  const { planConversionTo } = await import('../convert/convert-path-node.js');
  const { output } = options;
  const plan = await planConversionTo(model, output, options);
  await context.warn(plan.warnings);
  await context.answer({
    lines: async () => (await import('../report/plan.js')).planLines(plan, output, options),
    json: async () => (await import('../report/json.js')).planJson(plan, output),
  });
}

async function convert(context: CommandContext, model: LlamaModel, options: ConvertCommandOptions): Promise<void> {
  const { planConversionTo, runPlanTo } = await import('../convert/convert-path-node.js');
  const { intentLines } = await import('../report/plan.js');
  const began = performance.now();
  const { output, force, ropeFactor } = options;
  const plan = await planConversionTo(model, output, options);
  await context.warn(plan.warnings);
  // not before the output has been found fit: an error should not follow a page of intentions
  const announce = once(() => context.announce(intentLines(plan)));
  const result = await context.watch((watching) => runPlanTo(plan, output, { force, ...onFirst(watching, announce) }));
  await announce();
  const facts = {
    ...{ source: model.path, output, ropeFactor },
    seconds: (performance.now() - began) / 1000,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  };
  await context.answer({
    lines: async () => (await import('../report/conversion.js')).conversionLines(result, facts),
    json: async () => (await import('../report/json.js')).conversionJson(result, facts),
  });
}

/** The function, called at most once; every call gives the promise of the first. */
function once(action: () => Promise<void>): () => Promise<void> {
  let promise: Promise<void> | undefined;
  return () => {
    promise ??= action();
    promise.catch(() => {}); // reported where it is awaited
    return promise;
  };
}

/** The options, with something to do when the work has begun. */
function onFirst(watching: OperationOptions, begin: () => Promise<void>): OperationOptions {
  return {
    ...watching,
    onProgress: (progress) => {
      void begin();
      watching.onProgress?.(progress);
    },
  };
}
