/**
 * Fine-tunes as people publish them: what they add to a model is in every file that is made of it, or it is refused.
 *
 * The expectations were computed by transformers, sentencepiece and gguf-py, see `fixtures/fine-tunes/make.py`.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import { createNodeHasher } from '../integrity/hash-node.js';
import { type ModelFingerprint, fingerprintModel } from '../integrity/fingerprint.js';
import { verifyFolder } from '../integrity/verify-folder.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-path-node.js';
import { memoryFolder } from '../source/folder.js';
import { fineTune } from '../testing/fixtures.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { TOKEN_TYPE } from '../tokenizer/vocabulary.js';
import { convert } from './convert.js';
import type { ConvertOptions } from './options.js';
import { memoryOutput } from './output.js';

interface Expected {
  readonly rows: number;
  readonly tokens: string;
  readonly types: string;
  readonly scores?: string;
  readonly merges: string | null;
  readonly ids: readonly [role: string, id: number][];
  readonly add: readonly [role: string, added: boolean][];
  readonly sampling: Readonly<Record<string, number>>;
  readonly texts: readonly [text: string, ids: number[]][];
}

const EXPECTED = JSON.parse(readFileSync(fineTune('expected.json'), 'utf8')) as Record<string, Expected>;
const KOREAN = 'llama3-korean-tiny';
const CHAT = 'llama2-chat-tiny';

type Files = Record<string, Uint8Array>;

const filesOf = (name: string): Files =>
  Object.fromEntries(readdirSync(fineTune(name)).map((file) => [file, readFileSync(join(fineTune(name), file))]));

async function converted(model: LlamaModel, options: ConvertOptions): Promise<Files> {
  const output = memoryOutput();
  await convert(model, output, options);
  return Object.fromEntries(output.files);
}

async function reopened(model: LlamaModel, options: ConvertOptions): Promise<LlamaModel> {
  return openModel(memoryFolder(await converted(model, options), `memory/${model.name}`));
}

const fingerprint = (model: LlamaModel): Promise<ModelFingerprint> =>
  fingerprintModel(model, { createHasher: createNodeHasher });

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function sha256OfStrings(values: Iterable<string>): string {
  const hash = createHash('sha256');
  for (const value of values) {
    const text = Buffer.from(value, 'utf8');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.byteLength));
    hash.update(length).update(text);
  }
  return hash.digest('hex');
}

const bytesOf = (array: Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Names of gguf-py for the keys of ids. */
const ID_KEY = /^tokenizer\.ggml\.(bos|eos|padding|unknown|seperator|mask)_token_id$/;
const SWITCH_KEY = /^tokenizer\.ggml\.add_(bos|eos|sep)_token$/;
const ROLES: Readonly<Record<string, string>> = { padding: 'pad', unknown: 'unk', seperator: 'sep' };

function pairsOf(metadata: readonly GgufMetadataEntry[], pattern: RegExp): [string, unknown][] {
  return metadata.flatMap(({ key, value }): [string, unknown][] => {
    const role = pattern.exec(key)?.[1];
    return role === undefined ? [] : [[ROLES[role] ?? role, value]];
  });
}

describe.each([KOREAN, CHAT])('%s', (name) => {
  const expected = EXPECTED[name]!;
  const imType = name === CHAT ? TOKEN_TYPE.userDefined : TOKEN_TYPE.control;

  it('has the tokens, types, merges and scores of llama.cpp', async () => {
    await using model = await openModel(fineTune(name));
    const { vocabulary } = model;
    expect(vocabulary?.size).toBe(expected.rows);
    expect(sha256OfStrings(vocabulary!.pieces)).toBe(expected.tokens);
    // llama.cpp makes control tokens of these where tokenizer_config.json names them, and else not
    const types = vocabulary!.types.map((type, id) => (/^<.im_/.test(vocabulary!.pieces[id]!) ? imType : type));
    expect(sha256(bytesOf(types))).toBe(expected.types);
    const type = (piece: string) => vocabulary!.types[vocabulary!.pieces.indexOf(piece)];
    expect([type('<|im_start|>'), type('<|im_end|>')]).toEqual([TOKEN_TYPE.control, TOKEN_TYPE.control]);
    expect(type(name === CHAT ? '고맙습니다' : '안녕하세요')).toBe(TOKEN_TYPE.userDefined);
    if (expected.scores !== undefined) expect(sha256(bytesOf(vocabulary!.scores!))).toBe(expected.scores);
    if (expected.merges !== null) expect(sha256OfStrings(vocabulary!.merges())).toBe(expected.merges);
  });

  it('states special tokens, switches and sampling in GGUF as llama.cpp does, in its order', async () => {
    await using model = await openModel(fineTune(name));
    await using gguf = await reopened(model, { to: 'gguf' });
    const { metadata } = gguf.gguf!;
    expect(pairsOf(metadata, ID_KEY)).toEqual(expected.ids);
    expect(pairsOf(metadata, SWITCH_KEY)).toEqual(expected.add);
    const sampling = pairsOf(metadata, /^general\.sampling\.(.*)$/);
    const rounded = Object.entries(expected.sampling).map(([key, value]) => [key, Math.fround(value)]);
    expect(sampling).toEqual(rounded);
  });

  it('splits text as its own library does, before and after conversions', async () => {
    await using model = await openModel(fineTune(name));
    await using gguf = await reopened(model, { to: 'gguf' });
    await using back = await reopened(gguf, { to: 'safetensors' });
    for (const each of [model, gguf, back]) {
      const tokenizer = new Tokenizer(each.vocabulary!);
      for (const [text, ids] of expected.texts) expect(tokenizer.encode(text, { special: true }), text).toEqual(ids);
    }
  });

  it('keeps its small files byte for byte in a folder of the same layout', async () => {
    await using model = await openModel(fineTune(name));
    const source = filesOf(name);
    const files = await converted(model, { to: 'safetensors' });
    const weights = /^(pytorch_model\.bin|model\.safetensors)$/;
    expect(
      Object.keys(files)
        .filter((file) => !weights.test(file))
        .sort(),
    ).toEqual(Object.keys(source).filter((file) => !weights.test(file)));
    for (const [file, bytes] of Object.entries(source)) {
      if (!weights.test(file)) expect(Buffer.from(files[file]!).equals(bytes), file).toBe(true);
    }
    await using again = await openModel(memoryFolder(files, `memory/${name}`));
    expect(await fingerprint(again)).toEqual(await fingerprint(model));
    // and once more: nothing is left to change
    expect(await converted(again, { to: 'safetensors' })).toEqual(files);
  });

  it('changes nothing in config.json but the type, where another is asked for', async () => {
    await using model = await openModel(fineTune(name));
    const text = readFileSync(join(fineTune(name), 'config.json'), 'utf8');
    const { 'config.json': config } = await converted(model, { to: 'safetensors', type: 'f32' });
    const stated = /"torch_dtype": "(b?float16)"/;
    expect(stated.test(text)).toBe(true);
    expect(new TextDecoder().decode(config)).toBe(text.replace(stated, '"torch_dtype": "float32"'));
  });

  it('has the same fingerprints through every lossless cycle', async () => {
    await using model = await openModel(fineTune(name));
    const before = await fingerprint(model);
    let last: LlamaModel = model;
    for (const to of ['gguf', 'safetensors', 'safetensors', 'gguf', 'safetensors', 'gguf'] as const) {
      last = await reopened(last, { to });
      expect(await fingerprint(last), to).toEqual(before);
      expect(last.vocabulary!.eosId).toBe(model.vocabulary!.eosId);
    }
  });
});

describe('padding and switches', () => {
  it.each([
    [KOREAN, {}],
    [KOREAN, { add_bos_token: false }],
    [KOREAN, { add_eos_token: true }],
    [CHAT, { add_bos_token: false }],
    [CHAT, { add_bos_token: false, add_eos_token: true, pad_token: '<unk>' }],
  ])('are kept from Hugging Face to GGUF and back: %s %o', async (name, change) => {
    const files = changed(name, 'tokenizer_config.json', (json) => Object.assign(json, change));
    // SentencePiece folders say by id which token pads
    const numbered = changed(name, 'config.json', (json) => 'pad_token' in change && (json['pad_token_id'] = 0));
    await using model = await openModel(memoryFolder({ ...files, 'config.json': numbered['config.json']! }, 'x'));
    await using gguf = await reopened(model, { to: 'gguf' });
    await using back = await reopened(gguf, { to: 'safetensors' });
    await using again = await reopened(back, { to: 'gguf' });
    const stated = ({ gguf: contents }: LlamaModel) => {
      const { metadata } = contents!;
      const byRole = (pattern: RegExp) => Object.fromEntries(pairsOf(metadata, pattern));
      return { ids: byRole(ID_KEY), switches: byRole(SWITCH_KEY) };
    };
    const before = stated(gguf);
    expect(stated(again)).toEqual(before);
    expect(before.ids['pad']).toBe(name === KOREAN ? 334 : 'pad_token' in change ? 0 : undefined);
    for (const [key, value] of Object.entries(change)) {
      const role = /^add_(.*)_token$/.exec(key)?.[1];
      if (role !== undefined) expect(before.switches[role], key).toBe(value);
    }
  });
});

describe('the weights', () => {
  it('of a folder in safetensors are written as the same bytes', async () => {
    await using model = await openModel(fineTune(KOREAN));
    const { 'model.safetensors': bytes } = await converted(model, { to: 'safetensors' });
    expect(Buffer.from(bytes!).equals(readFileSync(join(fineTune(KOREAN), 'model.safetensors')))).toBe(true);
  });
});

describe('a folder of Meta’s', () => {
  it('has no words for tokens beyond a release’s, and for padding', async () => {
    await using model = await openModel(fineTune(KOREAN));
    await expect(converted(model, { to: 'meta' })).rejects.toMatchObject({
      code: 'tokenizer/unsupported',
      message: expect.stringContaining('262 tokens follow the 330 of the text') as string,
    });
  });

  it('of a SentencePiece model holds the added tokens', async () => {
    await using model = await openModel(fineTune(CHAT));
    const files = await converted(model, { to: 'meta' });
    await using meta = await openModel(memoryFolder(files, `memory/${CHAT}`));
    const [found, before] = [await fingerprint(meta), await fingerprint(model)];
    expect(found.tensors).toEqual(before.tensors);
    expect(found.vocabulary).toEqual(before.vocabulary);
    expect(meta.vocabulary!.eosId).toBe(model.vocabulary!.eosId);
    // TrainerSpec.eos_piece, by which the library finds the end of a text
    const named = Buffer.concat([Buffer.from([0xfa, 0x02, 10]), Buffer.from('<|im_end|>')]);
    expect(Buffer.from(files['tokenizer.model']!).includes(named)).toBe(true);
    expect((await verifyFolder(memoryFolder(files, 'x'))).verdict).toBe('intact');
  });
});

/** The files of a fine-tune with the JSON of one of them changed. */
function changed(name: string, file: string, change: (json: Record<string, unknown>) => void): Files {
  const files = filesOf(name);
  const json = JSON.parse(new TextDecoder().decode(files[file])) as Record<string, unknown>;
  change(json);
  return { ...files, [file]: new TextEncoder().encode(JSON.stringify(json)) };
}

type Json = Record<string, unknown>;

describe('a folder that contradicts itself', () => {
  it.each<[string, Files, string, string]>([
    [
      'an added token beyond the embedding',
      changed(KOREAN, 'added_tokens.json', (json) => (json['<|late|>'] = 592)),
      'tokenizer/size-mismatch',
      'the added token "<|late|>" has id 592, but the embedding has only 592 rows',
    ],
    [
      'the same in tokenizer_config.json',
      changed(CHAT, 'tokenizer_config.json', (json) => (json['added_tokens_decoder'] = { 384: { content: '<late>' } })),
      'tokenizer/size-mismatch',
      'the added token "<late>" has id 384, but the embedding has only 384 rows',
    ],
    [
      'the same in tokenizer.json',
      changed(KOREAN, 'tokenizer.json', ({ added_tokens: added }) => {
        (added as Json[]).push(...[590, 591, 592].map((id) => ({ id, content: `<new${id}>`, special: false })));
      }),
      'tokenizer/size-mismatch',
      'the added token "<new592>" has id 592, but the embedding has only 592 rows',
    ],
    [
      'two names for one id',
      changed(CHAT, 'added_tokens.json', (json) => (json['<other>'] = 300)),
      'tokenizer/malformed',
      'token 300 is "<other>", but in the tokenizer it is',
    ],
    [
      'an id that is no number',
      changed(CHAT, 'added_tokens.json', (json) => (json['<other>'] = '381')),
      'llama/bad-config',
      'the id of "<other>" must be a whole number below 1048576, found "381"',
    ],
    [
      'an added token without text',
      changed(KOREAN, 'tokenizer_config.json', (json) => (json['added_tokens_decoder'] = { 3: {} })),
      'llama/bad-config',
      'added_tokens_decoder["3"] has no content',
    ],
    [
      'an end token that is none',
      changed(KOREAN, 'tokenizer_config.json', (json) => (json['eos_token'] = '<|nowhere|>')),
      'tokenizer/malformed',
      'the tokenizer has no token "<|nowhere|>", which ends a text',
    ],
    [
      'an end beyond the embedding',
      changed(KOREAN, 'generation_config.json', (json) => (json['eos_token_id'] = [331, 592])),
      'llama/contradiction',
      'eos_token_id is 592, but the embedding has only 592 rows',
    ],
    [
      'padding beyond the embedding',
      changed(CHAT, 'config.json', (json) => (json['pad_token_id'] = 1e6)),
      'llama/contradiction',
      'pad_token_id is 1000000, but the embedding has only 384 rows',
    ],
    ...['generation_config.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json'].map(
      (file): [string, Files, string, string] => [
        `a broken ${file}`,
        { ...filesOf(KOREAN), [file]: new TextEncoder().encode('{"a": ') },
        'llama/bad-config',
        'this is not valid JSON',
      ],
    ),
    [
      'a list in place of settings',
      { ...filesOf(KOREAN), 'generation_config.json': new TextEncoder().encode('[]') },
      'llama/bad-config',
      'a JSON object was expected',
    ],
  ])('is refused when it is opened: %s', async (_, files, code, message) => {
    const folder = memoryFolder(files, 'x');
    const refusal = { code, message: expect.stringContaining(message) as string };
    await expect(openModel(folder)).rejects.toMatchObject(refusal);
    const { structure, verdict } = await verifyFolder(folder);
    expect(verdict).toBe('failed');
    expect(structure.error).toMatchObject(refusal);
  });
});

describe('a tokenizer that does more than a Llama’s', () => {
  const splitter = (part: Json) => ({ pre_tokenizer: { type: 'Sequence', pretokenizers: [part] } });
  it.each<[string, (json: Json) => void, string]>([
    ['normalizes', (json) => (json['normalizer'] = { type: 'NFC' }), 'normalizes text (NFC)'],
    ['splits digits', (json) => Object.assign(json, splitter({ type: 'Digits' })), 'splits text by Digits'],
    ['splits as GPT-2', (json) => Object.assign(json, splitter({ type: 'ByteLevel' })), 'as GPT-2 does'],
    [
      'puts a space first',
      (json) => Object.assign(json, splitter({ type: 'ByteLevel', use_regex: false, add_prefix_space: true })),
      'puts a space before the text',
    ],
    ['joins parts', (json) => Object.assign(json, splitter({ type: 'Split', behavior: 'Removed' })), 'drops or joins'],
    ['splits nothing', (json) => (json['pre_tokenizer'] = null), 'does not split text into words'],
    [
      'takes spaces in',
      ({ added_tokens: added }) => ((added as Json[])[0]!['lstrip'] = true),
      'matches the added token "<|begin_of_text|>" with lstrip',
    ],
  ])('(%s) is carried along, and told where it cannot be', async (_, change, message) => {
    const files = changed(KOREAN, 'tokenizer.json', change);
    await using model = await openModel(memoryFolder(files, 'x'));
    const { 'tokenizer.json': carried } = await converted(model, { to: 'safetensors' });
    expect(carried).toEqual(files['tokenizer.json']);
    const refusal = { code: 'tokenizer/unsupported', message: expect.stringContaining(message) as string };
    for (const to of ['gguf', 'meta'] as const) {
      const output = memoryOutput();
      await expect(convert(model, output, { to })).rejects.toMatchObject(refusal);
      expect(output.files.size).toBe(0);
    }
    expect(() => new Tokenizer(model.vocabulary!)).toThrow(expect.objectContaining(refusal));
  });
});
