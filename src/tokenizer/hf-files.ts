/**
 * Hugging Face's `tokenizer_config.json` and `special_tokens_map.json`.
 *
 * `tokenizer.json` does not say which token ends a text; these two files do. Keys are sorted, ids by number,
 * and the files end with a line feed, as transformers writes them.
 *
 * @see https://github.com/huggingface/transformers/blob/main/src/transformers/tokenization_utils_base.py
 *   (save_pretrained)
 * @module
 */
import { type ChatTemplates, chatTemplateJson } from './chat-template/templates.js';
import { adds } from './stated-tokens.js';
import { type Vocabulary, addedPieces, pieceAt } from './vocabulary.js';

/** What the vocabulary does not say. */
export interface TokenizerConfigOptions {
  /** Longest context in tokens; written for byte-level BPE. */
  readonly contextLength: number;
  /** Jinja templates that turn a chat into a text; left out where absent. */
  readonly chatTemplates?: ChatTemplates | undefined;
}

/** Text of `tokenizer_config.json`. */
export function tokenizerConfigJson(vocabulary: Vocabulary, options: TokenizerConfigOptions): string {
  const { bosId, eosId } = vocabulary;
  const padding = paddingToken(vocabulary);
  const common = {
    added_tokens_decoder: addedTokensDecoder(vocabulary),
    bos_token: pieceAt(vocabulary, bosId),
    ...(options.chatTemplates === undefined ? {} : { chat_template: chatTemplateJson(options.chatTemplates) }),
  };
  if (vocabulary.kind === 'byte-level-bpe') {
    return pretty({
      // the template of tokenizer.json says what is added, and llama.cpp takes its silence for a yes
      ...(adds(vocabulary, 'bos') ? {} : { add_bos_token: false }),
      ...common,
      clean_up_tokenization_spaces: true,
      eos_token: pieceAt(vocabulary, eosId),
      model_input_names: ['input_ids', 'attention_mask'],
      model_max_length: options.contextLength,
      ...(padding === undefined ? {} : { pad_token: padding }),
      tokenizer_class: 'PreTrainedTokenizerFast',
    });
  }
  const llama2 = pretty({
    ...{ add_bos_token: adds(vocabulary, 'bos'), add_eos_token: adds(vocabulary, 'eos') },
    ...common,
    clean_up_tokenization_spaces: false,
    eos_token: pieceAt(vocabulary, eosId),
    legacy: true,
    model_max_length: NO_LENGTH,
    pad_token: padding ?? null,
    sp_model_kwargs: {},
    tokenizer_class: 'LlamaTokenizer',
    unk_token: unknownToken(vocabulary),
    use_default_system_prompt: false,
  });
  return llama2.replace(JSON.stringify(NO_LENGTH), NO_LENGTH);
}

/** Text of `special_tokens_map.json`; 296 bytes for Llama 3. */
export function specialTokensMapJson(vocabulary: Vocabulary): string {
  const { bosId, eosId } = vocabulary;
  const unknown = unknownToken(vocabulary);
  const padding = paddingToken(vocabulary);
  const entry = (content: string | undefined): object => ({ content, ...UNTOUCHED });
  return pretty({
    bos_token: entry(pieceAt(vocabulary, bosId)),
    eos_token: entry(pieceAt(vocabulary, eosId)),
    ...(padding === undefined ? {} : { pad_token: entry(padding) }),
    ...(unknown === null ? {} : { unk_token: entry(unknown) }),
  });
}

/**
 * Python's `int(1e30)`, which stands for no limit. No JavaScript number prints these digits, so they are put
 * in as a string first.
 */
const NO_LENGTH = '1000000000000000019884624838656';

/** Neither spaces around a token nor its letters are changed before it is matched. */
const UNTOUCHED = { lstrip: false, normalized: false, rstrip: false, single_word: false };

/** JavaScript keeps keys that are numbers in the order of the numbers, which is the order wanted. */
function addedTokensDecoder(vocabulary: Vocabulary): object {
  const entries = addedPieces(vocabulary).map(({ id, content, special }) => [id, { content, ...UNTOUCHED, special }]);
  return Object.fromEntries(entries) as object;
}

function unknownToken(vocabulary: Vocabulary): string | null {
  return pieceAt(vocabulary, vocabulary.unknownId) ?? null;
}

/** The token that fills batches up; undefined where the source states none, as in every release of Meta's. */
function paddingToken(vocabulary: Vocabulary): string | undefined {
  return pieceAt(vocabulary, vocabulary.stated?.ids.find(([role]) => role === 'pad')?.[1]);
}

function pretty(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
