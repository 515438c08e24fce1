/**
 * `llama-inspect tokenize MODEL [TEXT]`: which tokens is it made of?
 *
 * @module
 */
import { type Command, Option } from 'commander';

import type { Tokenization } from '../report/tokenization.js';
import type { CommandContext } from './context.js';
import { usageError } from './errors.js';
import type { Bind } from './program.js';
import { type HeaderOption, accessTo, addHeaderOption } from './remote.js';

const EXAMPLES = `
The token that begins a text is put first, as Meta's code does before it runs a
model. What looks like a special token is ordinary text without --special; with
it, a text that begins with the begin token is given no second one.

Examples:
  $ llama-inspect tokenize Llama3.2-1B-Instruct 'Hello world'
  $ llama-inspect tokenize tokenizer.model --ids < prompt.txt
  $ llama-inspect tokenize 1b.gguf --decode 9906,1917`;

interface TokenizeCommandOptions extends HeaderOption {
  readonly decode?: boolean;
  readonly special?: boolean | undefined;
  readonly ids?: boolean;
  readonly bos: boolean;
}

/** Most bytes of standard input that are read; a text takes up to 60 times its size in memory. */
const INPUT_LIMIT = 16 << 20;

/** Adds the command. */
export function addTokenize(program: Command, bind: Bind): void {
  const command = program
    .command('tokenize')
    .summary('text to token ids, and back')
    .description("Split a text into the model's tokens, or make text of token ids.")
    .argument('<model>', 'checkpoint, tokenizer.model or tokenizer.json, or its https:// address')
    .argument('[text]', 'text, or ids with --decode; standard input if not given')
    .option('--decode', 'make text of ids, with commas or spaces between them')
    .option('--special', 'special tokens in the text count as such; with --decode they are spelled')
    .option('--no-special', 'with --decode they are left out, as by default with Llama 1 and 2')
    .addOption(new Option('--ids', 'print only the ids, as logits --tokens takes them').conflicts('decode'))
    .addOption(new Option('--no-bos', 'do not put the token first that begins a text').conflicts('decode'));
  addHeaderOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, given: string | undefined, options: TokenizeCommandOptions) => {
        expectSpecialUsed(options);
        const { remote } = accessTo(path, options);
        const { openVocabulary } = await import('../llama/open-vocabulary-node.js');
        const { Tokenizer } = await import('../tokenizer/tokenizer.js');
        const opened = await openVocabulary(path, { remote, signal: context.signal });
        const input = given ?? (await textOfInput(context));
        const tokenizer = new Tokenizer(opened.vocabulary);
        const { decode, bos, special } = options;
        const ids = decode === true ? parseIdList(input) : tokenizer.encode(input, { special, bos });
        const bytes = decode === true ? tokenizer.decodeBytes(ids, { special }) : undefined;
        const text = decode === true ? tokenizer.decode(ids, { special }) : input;
        await answer(context, { path: opened.path, tokenizer, text, ids }, options, bytes);
        return 0;
      }),
    );
}

/** Special tokens are left out of what is decoded; a text that is split has none to leave out. */
function expectSpecialUsed({ special, decode }: TokenizeCommandOptions): void {
  if (special !== false || decode === true) return;
  throw usageError('--no-special goes with --decode; without --special, special tokens in a text are ordinary text');
}

async function answer(
  context: CommandContext,
  tokenization: Tokenization,
  { decode, ids }: TokenizeCommandOptions,
  exact: Uint8Array | undefined,
): Promise<void> {
  await context.answer({
    lines: async () => {
      if (ids === true) return [tokenization.ids.join(',')];
      if (decode === true) return tokenization.text.split('\n');
      expectTableLength(tokenization.ids.length);
      return (await import('../report/tokenization.js')).tokenizationLines(tokenization);
    },
    exact,
    json: async () => (await import('../report/tokenization.js')).tokenizationJson(tokenization),
  });
}

/** Most tokens of a table, which is held as a whole to align its columns: some 500 bytes a row. */
const TABLE_LIMIT = 100_000;

function expectTableLength(count: number): void {
  if (count <= TABLE_LIMIT) return;
  throw usageError(
    `the text has ${count} tokens, and a table at most ${TABLE_LIMIT}; --ids and --json print any number of them`,
  );
}

async function textOfInput(context: CommandContext): Promise<string> {
  const bytes = await context.readInput(INPUT_LIMIT);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const { isUtf8 } = await import('node:buffer');
  if (!isUtf8(bytes)) {
    await context.warn(['standard input is not UTF-8; what is not is replaced by U+FFFD']);
  }
  return text;
}

/** Ids as `1,2,3`, `1 2 3` or `[1, 2, 3]`, over any number of lines. */
function parseIdList(text: string): number[] {
  const words = text.split(/[\s,[\]]+/).filter((word) => word !== '');
  const wrong = words.find((word) => !/^\d{1,15}$/.test(word));
  if (wrong === undefined) return words.map(Number);
  throw usageError(
    `${JSON.stringify(wrong.slice(0, 40))} is no token id; --decode takes whole numbers, such as 9906,1917`,
  );
}
