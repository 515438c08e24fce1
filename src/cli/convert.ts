/**
 * `llama-inspect convert SOURCE --to FORMAT --output PATH`.
 *
 * @module
 */
import { type Command, Option } from 'commander';

import type { TensorTypeOverride } from '../convert/mixture.js';
import type { MetadataOverride } from '../convert/metadata-overrides.js';
import type { ConvertOptions } from '../convert/options.js';
import type { ConversionPlan } from '../convert/plan.js';
import { type QuantizingOption, idleQuantizingOption } from '../convert/quantizing-options.js';
import type { LlamaModel } from '../llama/model.js';
import type { OperationOptions } from '../options.js';
import type { CommandContext } from './context.js';
import { usageError } from './errors.js';
import { prove } from './convert-check.js';
import { type PartOptions, finishOption, partOption } from './convert-part.js';
import { type JobsOption, addJobsOption } from './jobs.js';
import { encoding } from './kernels.js';
import { collectMetadata } from './parse-metadata.js';
import { parseCount, parseRopeFactor, parseSize, refuseBoth } from './parse-options.js';
import { collectTensorType, parseFileType, parseTensorType } from './parse-types.js';
import type { Bind } from './program.js';
import { keepHeapSmall } from './small-heap.js';

const EXAMPLES = `
The output appears whole or not at all. Without --type the weights keep their
own type and nothing is lost; "to prove it" at the end names the check, which
--check makes at once: exit code 1 when the output is another model; it stays.

Examples:
  $ llama-inspect convert Llama3.2-1B-Instruct --to safetensors --output ./hf
  $ llama-inspect convert Llama3.2-1B-Instruct --to gguf --output 1b.gguf
  $ llama-inspect convert ./hf --to gguf --type f16 -o 1b-f16.gguf
  $ llama-inspect convert ./hf --to gguf --type q4_k_m -o 1b-q4.gguf
  $ llama-inspect convert 1b-f16.gguf --to gguf --type q4_k_m \\
      --imatrix 1b.imatrix --tensor-type 'ffn_down=q6_k' -o 1b-q4.gguf
  $ llama-inspect convert ./hf --to meta --shards 2 -o ./meta
  $ llama-inspect convert Llama3.1-70B --to safetensors -o ./hf --dry-run`;

interface ConvertCommandOptions
  extends
    JobsOption,
    PartOptions,
    Pick<
      ConvertOptions,
      | 'to'
      | 'type'
      | 'maxShardSize'
      | 'mergesAs'
      | 'splitMaxSize'
      | 'shards'
      | 'pure'
      | 'outputType'
      | 'embeddingType'
      | 'allowRequantize'
    > {
  /** False where none is wanted. */
  readonly chatTemplate?: string | false;
  readonly output: string;
  readonly imatrix?: string;
  readonly tensorType?: readonly TensorTypeOverride[];
  readonly lora?: readonly string[];
  readonly metadata?: readonly MetadataOverride[];
  readonly ropeFactor?: number;
  readonly dryRun?: boolean;
  readonly all?: boolean;
  readonly force?: boolean;
  readonly lock?: boolean;
  readonly check?: boolean;
}

/** Adds the command. */
export function addConvert(program: Command, bind: Bind): void {
  const command = refuseBoth(program.command('convert'), 'chat-template')
    .summary('to Hugging Face safetensors, GGUF or Meta’s layout')
    .description('Convert a checkpoint of any layout to any other, in bounded memory.')
    .argument('<source>', 'checkpoint')
    .addOption(
      new Option('--to <format>', 'what to write').choices(['safetensors', 'gguf', 'meta']).makeOptionMandatory(),
    )
    .requiredOption('-o, --output <path>', 'folder (safetensors, meta) or file (gguf) to write')
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
    .option('--chat-template <file>', 'Jinja template of chats, in place of the source’s own or of ours')
    .option('--no-chat-template', 'no chat template')
    .option('--lora <folder>', 'adapter of PEFT to merge into the weights; repeatable, in order', collectFolder)
    .option('--split-max-size <size>', 'gguf: most bytes of tensors in a file; more are split', parseSize)
    .option('--metadata <key=value>', 'gguf: a value to set, also KEY:TYPE=VALUE; repeatable', collectMetadata)
    .option('--shards <count>', 'meta: files that the weights are cut into; 1 if not given', parseCount)
    .option('--rope-factor <number>', 'rope factor in place of the one chosen or stated', parseRopeFactor)
    .addOption(partOption())
    .addOption(finishOption())
    .option('--dry-run', 'show what would be written, and write nothing')
    .option('--all', 'with --dry-run: each tensor with its offset')
    .option('--no-lock', 'no lock file beside the output (see docs/fingerprints.md)')
    .option('--check', 'prove the output: open it and compare it with the source, as check does')
    .option('--force', 'replace files that exist');
  addJobsOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, source: string, options: ConvertCommandOptions) => {
        expectConsistent(options);
        keepHeapSmall();
        const wanted = { ...options, ...(await quantizing(context, options)), chatTemplate: await templating(options) };
        const { openModel } = await import('../llama/open-path-node.js');
        await using model = await openModel(source, { ropeFactor: options.ropeFactor, signal: context.signal });
        return await withAdapters(model, options.lora, (adapted) =>
          options.dryRun === true ? showPlan(context, adapted, wanted) : convert(context, adapted, wanted),
        );
      }),
    );
}

/** Does something with the model and the adapters merged into it, and closes the adapters. */
async function withAdapters(
  model: LlamaModel,
  folders: readonly string[] = [],
  action: (model: LlamaModel) => Promise<0 | 1>,
): Promise<0 | 1> {
  if (folders.length === 0) return action(model);
  const { openLoras } = await import('../llama/lora-path-node.js');
  const { withLora } = await import('../llama/lora.js');
  await using adapters = await openLoras(folders);
  return await action(withLora(model, adapters.all));
}

/** The folders so far and one more. */
function collectFolder(folder: string, folders: readonly string[] = []): string[] {
  return [...folders, folder];
}

function expectConsistent(options: ConvertCommandOptions): void {
  const { dryRun, imatrix: importance, tensorType: tensorTypes } = options;
  expectForFormat(options);
  if (options.all === true && dryRun !== true) throw usageError('--all is for --dry-run');
  if (options.check === true && dryRun === true) throw usageError('--check needs an output, and --dry-run writes none');
  if (options.check === true && options.part !== undefined) {
    throw usageError('--check needs a whole output: give it with --finish');
  }
  const idle = idleQuantizingOption({ ...options, importance, tensorTypes });
  if (idle !== undefined) throw usageError(`${FLAGS[idle]} is for quantized types; give --type q4_k_m or another`);
}

function expectForFormat(options: ConvertCommandOptions): void {
  const { to, maxShardSize, mergesAs, shards } = options;
  if (to !== 'safetensors' && maxShardSize !== undefined) throw usageError('--max-shard-size is for safetensors');
  if (to !== 'safetensors' && mergesAs !== undefined) {
    throw usageError('--merges-as is for the tokenizer.json of safetensors');
  }
  if (to !== 'meta' && shards !== undefined) throw usageError("--shards is for Meta's layout (--to meta)");
  if (to !== 'gguf' && options.splitMaxSize !== undefined) throw usageError('--split-max-size is for GGUF files');
  if (to !== 'gguf' && options.metadata !== undefined) throw usageError('--metadata is for GGUF files');
  if (to === 'meta' && options.chatTemplate !== undefined) {
    throw usageError('--chat-template is for safetensors and GGUF files');
  }
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

/** The chat template that was given, or that none is wanted. */
async function templating({ chatTemplate }: ConvertCommandOptions): Promise<ConvertOptions['chatTemplate']> {
  if (chatTemplate === undefined) return undefined;
  if (chatTemplate === false) return null;
  const { readChatTemplate } = await import('../convert/chat-template-path-node.js');
  return readChatTemplate(chatTemplate);
}

/** The options of the command with what was read for them. */
type WantedOptions = Omit<ConvertCommandOptions, 'chatTemplate'> & Pick<ConvertOptions, 'chatTemplate'>;

async function showPlan(context: CommandContext, model: LlamaModel, options: WantedOptions): Promise<0 | 1> {
  const { output } = options;
  const plan = await planned(context, model, options);
  await context.warn(plan.warnings);
  await context.answer({
    lines: async () => (await import('../report/plan.js')).planLines(plan, output, options),
    json: async () => (await import('../report/json.js')).planJson(plan, output),
  });
  return 0;
}

/** The plan of what is asked for: the whole, a part, or what is left of the parts. */
async function planned({ signal }: CommandContext, model: LlamaModel, options: WantedOptions): Promise<ConversionPlan> {
  const { planConversionTo, planFinishTo } = await import('../convert/convert-path-node.js');
  const { output, finish } = options;
  return (finish === true ? planFinishTo : planConversionTo)(model, output, { ...options, signal });
}

async function convert(context: CommandContext, model: LlamaModel, options: WantedOptions): Promise<0 | 1> {
  const { runPlanTo, writtenPath } = await import('../convert/convert-path-node.js');
  const { intentLines } = await import('../report/plan.js');
  const { isIdle } = await import('../report/parts.js');
  const began = performance.now();
  const { output, force, ropeFactor } = options;
  const plan = await planned(context, model, options);
  await context.warn(plan.warnings);
  // not before the output has been found fit: an error should not follow a page of intentions
  const announce = once(() => context.announce(intentLines(plan)));
  const run = { force, ...(await encoding(options)) };
  const result = await context.watch((watching) => runPlanTo(plan, output, { ...run, ...onFirst(watching, announce) }));
  if (!isIdle(result)) await announce();
  const facts = {
    ...{ source: model.path, output: writtenPath(plan, output), ropeFactor, adapted: options.lora !== undefined },
    seconds: (performance.now() - began) / 1000,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  };
  const comparison = options.check === true ? await prove(context, model, result, options) : undefined;
  await context.answer({
    lines: async () => (await import('../report/conversion.js')).conversionLines(result, { ...facts, comparison }),
    json: async () => {
      if (options.finish === true)
        return (await import('../report/parts.js')).finishJson(result, { ...facts, comparison });
      return (await import('../report/json.js')).conversionJson(result, { ...facts, comparison });
    },
  });
  return comparison?.verdict === 'different' ? 1 : 0;
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
      keepHeapSmall();
      void begin();
      watching.onProgress?.(progress);
    },
  };
}
