import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { FIXTURES, TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import type { ByteSource } from './byte-source.js';
import { describeMistake, identifyBytes, identifySource, mistakeOfName } from './identify.js';
import { memorySource } from './memory.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const identify = (text: string, size = encode(text).byteLength) => identifyBytes(encode(text), size);

function safetensors(headerLength: bigint): Uint8Array {
  const bytes = new Uint8Array(8 + 20);
  new DataView(bytes.buffer).setBigUint64(0, headerLength, true);
  bytes.set(encode('{"__metadata__":{}} '), 8);
  return bytes;
}

describe('identifyBytes, model files', () => {
  it('knows every file of the fixtures', () => {
    expect(TEXT_MODELS.length).toBeGreaterThan(5);
    for (const model of TEXT_MODELS) {
      const kindOf = (file: string) => {
        const bytes = readFileSync(join(modelFolder(model), file));
        return identifyBytes(bytes.subarray(0, 4096), bytes.byteLength).kind;
      };
      expect(kindOf('consolidated.00.pth')).toBe('zip');
      expect(kindOf('params.json')).toBe('json');
      expect(kindOf('tokenizer.model')).toBe(/llama[12]-/.test(model) ? 'unknown' : 'text');
      expect(kindOf('checklist.chk')).toBe('text');
    }
  });

  it('knows the binary formats by their magic', () => {
    const tar = new Uint8Array(1024);
    tar.set(encode('sys_info'));
    tar.set(encode('ustar'), 257);
    expect(identifyBytes(tar, 1024).kind).toBe('tar');
    expect(identifyBytes(gzipSync('x'), 21).kind).toBe('gzip');
    expect(identify('GGUF\u0003\0\0\0').kind).toBe('gguf');
    expect(identifyBytes(Uint8Array.of(0x50, 0x4b, 5, 6, 0), 22).sentence).toBe('a ZIP archive without members, 22 B');
    expect(identifyBytes(Uint8Array.of(0x80, 2, 0x7d, 0x2e), 4)).toMatchObject({
      kind: 'pickle',
      sentence: 'a Python pickle of protocol 2, 4 B',
    });
  });

  it('does not take any byte 0x80 for a pickle', () => {
    for (const second of [0, 1, 6, 255]) expect(identifyBytes(Uint8Array.of(0x80, second), 2).kind).toBe('unknown');
    expect(identifyBytes(Uint8Array.of(0x80), 1).kind).toBe('unknown');
  });

  it('knows PyTorch files in the form before 1.6, with and without a frame', () => {
    const magic = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
    expect(identifyBytes(Uint8Array.of(0x80, 2, ...magic), 900).kind).toBe('torch-legacy');
    const framed = Uint8Array.of(0x80, 4, 0x95, 13, 0, 0, 0, 0, 0, 0, 0, ...magic);
    expect(identifyBytes(framed, 900).kind).toBe('torch-legacy');
  });

  it('knows safetensors files, also cut-off ones, but not any byte followed by a brace', () => {
    expect(identifyBytes(safetensors(20n), 2_471_645_608)).toEqual({
      kind: 'safetensors',
      sentence: 'a safetensors file, 2.47 GB',
      size: 2_471_645_608,
    });
    expect(identifyBytes(safetensors(16_800n), 28).kind).toBe('safetensors');
    expect(identifyBytes(safetensors(1n), 28).kind).toBe('unknown');
    expect(identifyBytes(safetensors(100_000_001n), 28).kind).toBe('unknown');
    expect(identifyBytes(safetensors(2n ** 64n - 1n), 28).kind).toBe('unknown');
    expect(identifyBytes(safetensors(20n).subarray(0, 8), 8).kind).toBe('unknown');
  });

  it('names the first bytes of what it does not know', () => {
    expect(identifyBytes(Uint8Array.of(0xff, 0x0a, 1), 12_345).sentence).toBe(
      'a file of no known kind, 12.3 kB, starting with ff 0a 01',
    );
  });

  it('knows empty files and files of zeros', () => {
    expect(identifyBytes(new Uint8Array(0), 0)).toEqual({ kind: 'empty', sentence: 'an empty file', size: 0 });
    expect(identifyBytes(new Uint8Array(12), 12).sentence).toBe('a file of 12 zero bytes');
    expect(identifyBytes(new Uint8Array(9000), 5e9)).toMatchObject({
      kind: 'all-zero',
      sentence: 'a file, 5 GB, its first 4096 bytes all zero',
    });
  });
});

describe('identifyBytes, what comes instead of a model', () => {
  it('quotes the title of an HTML page', () => {
    const page = '\ufeff\r\n<!DOCTYPE html>\n<html><head><title>Access &amp;\n Denied</title></head>';
    expect(identify(page, 48_000)).toEqual({
      kind: 'html-page',
      sentence: 'an HTML page, 48 kB: "Access & Denied"',
      size: 48_000,
      title: 'Access & Denied',
    });
  });

  it('knows pages without a doctype, with a comment or an XML prolog first, in Latin-1, without a title', () => {
    expect(identify('<html>\r\n<head><title>403 Forbidden</title></head>').title).toBe('403 Forbidden');
    expect(identify('<!-- moved --><HTML lang="en"><h1 class="x">Gone</h1>').title).toBe('Gone');
    expect(identify('<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x"><html><title> </title>').sentence).toBe(
      'an HTML page, 70 B',
    );
    const latin1 = Uint8Array.from('<html><title>Zugriff verweigert für dich</title>', (char) => char.charCodeAt(0));
    expect(identifyBytes(latin1, latin1.byteLength).kind).toBe('html-page');
    expect(identify('<htmlish>').kind).toBe('text');
  });

  it('takes control characters out of titles and cuts them to a line', () => {
    const { title } = identify(`<html><title>a\u001b[31m\u202eb\u009bc${'&lt;'.repeat(200)}</title>`);
    expect(title).toMatch(/^a \[31m b c<+…$/);
    expect(title).toHaveLength(80);
  });

  it('decodes character references once', () => {
    expect(identify('<html><title>&amp;lt;&quot;&#39;&apos;&nbsp;&gt;</title>').title).toBe(`&lt;"'' >`);
  });

  it('quotes an XML error document, but calls other XML a document', () => {
    const denied =
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message>';
    expect(identify(denied, 243)).toMatchObject({
      kind: 'xml-error',
      sentence: 'an XML error document, 243 B: "AccessDenied: Access Denied"',
    });
    expect(identify('<Error><RequestId>7</RequestId></Error>')).toEqual({
      kind: 'xml-error',
      sentence: 'an XML error document, 39 B',
      size: 39,
    });
    expect(identify('<?xml version="1.0"?><svg/>').sentence).toBe('an XML document, 27 B');
  });

  it('reads the size that a Git LFS pointer promises', () => {
    const oid = 'oid sha256:1ff795ff6a07e6a68085d206fb84417da2f083f68391c2843cd2b8ac6df8538f';
    expect(identify(`version https://git-lfs.github.com/spec/v1\n${oid}\nsize 2471645608\n`)).toEqual({
      kind: 'lfs-pointer',
      sentence: 'a Git LFS pointer to 2,471,645,608 bytes',
      size: 135,
      targetSize: 2_471_645_608,
    });
    expect(identify(`version https://hawser.github.com/spec/v1\n${oid}\nsize 99999999999999999999\n`)).toEqual({
      kind: 'lfs-pointer',
      sentence: 'a Git LFS pointer',
      size: 144,
    });
  });

  it('reads the size that a git-annex pointer promises', () => {
    expect(identify('/annex/objects/SHA256E-s1024--d8e8.pth\n')).toMatchObject({
      kind: 'annex-pointer',
      sentence: 'a git-annex pointer to 1,024 bytes',
      targetSize: 1024,
    });
    expect(identify('../../.git/annex/objects/aa/bb/WORM--x').sentence).toBe('a git-annex pointer');
  });

  it('quotes what a JSON answer complains of', () => {
    expect(identify('{"error": "Repository \\"x\\" not found"}')).toMatchObject({
      kind: 'json',
      title: 'Repository "x" not found',
    });
    expect(identify('[1, 2]')).toEqual({ kind: 'json', sentence: 'a JSON document, 6 B', size: 6 });
  });

  it('quotes the first line of plain text, cut characters and all', () => {
    expect(identify('Entry not found\r\nsecond line').sentence).toBe('plain text, 28 B: "Entry not found"');
    expect(identify(' \n\n').sentence).toBe('plain text, 3 B');
    const cut = encode(`${'x'.repeat(4095)}é`);
    expect(identifyBytes(cut.subarray(0, 4096), cut.byteLength).kind).toBe('text');
    expect(identifyBytes(cut.subarray(0, 4096), 4096).kind).toBe('unknown');
  });
});

describe('identifySource', () => {
  it('reads at most 4096 bytes, in one read', async () => {
    const reads: number[] = [];
    const watched = (bytes: Uint8Array): ByteSource => {
      const source = memorySource(bytes);
      return { ...source, read: (offset, length) => (reads.push(offset, length), source.read(offset, length)) };
    };
    expect((await identifySource(watched(encode('a'.repeat(5000))))).size).toBe(5000);
    expect((await identifySource(watched(new Uint8Array(0)))).kind).toBe('empty');
    expect(reads).toEqual([0, 4096, 0, 0]);
  });

  it('stops at an abort', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(identifySource(memorySource(encode('x')), { signal })).rejects.toThrow('enough');
  });
});

describe('describeMistake', () => {
  it('says what was expected, what was found and what to do', () => {
    const page = identify('<html><title>Access Denied</title>', 48_000);
    expect(describeMistake(page, 'a PyTorch file', 'model.pth')).toMatchObject({
      code: 'source/html-page',
      message: 'a PyTorch file was expected, but this is an HTML page, 48 kB: "Access Denied"',
      path: 'model.pth',
      hint: 'the download link has expired or asks for a login; request a new one and download again',
    });
  });

  it('has one code per cause', () => {
    const codeOf = (head: Uint8Array): string => describeMistake(identifyBytes(head, head.byteLength), 'x').code;
    expect(codeOf(new Uint8Array(0))).toBe('source/empty');
    expect(codeOf(new Uint8Array(9))).toBe('source/all-zero');
    expect(codeOf(encode('<Error>'))).toBe('source/error-document');
    expect(codeOf(encode('{"message":"no"}'))).toBe('source/error-document');
    expect(codeOf(encode('{"dim":1}'))).toBe('source/other-format');
    expect(codeOf(encode('version https://git-lfs.github.com/spec/v1'))).toBe('source/lfs-pointer');
    expect(codeOf(encode('/annex/objects/x'))).toBe('source/annex-pointer');
    expect(codeOf(encode('hello'))).toBe('source/unrecognised');
    expect(codeOf(Uint8Array.of(1, 2))).toBe('source/unrecognised');
    expect(codeOf(encode('GGUF'))).toBe('source/other-format');
    expect(codeOf(gzipSync('x'))).toBe('source/other-format');
    expect(codeOf(safetensors(20n))).toBe('source/other-format');
    expect(codeOf(Uint8Array.of(0x80, 2))).toBe('source/other-format');
  });
});

describe('mistakeOfName', () => {
  const zip = identify('PK\u0003\u0004');

  it('finds a safetensors file named .pth', () => {
    expect(mistakeOfName('consolidated.00.PTH', identifyBytes(safetensors(20n), 28))).toMatchObject({
      code: 'source/other-format',
      message: 'a PyTorch file was expected, but this is a safetensors file, 28 B',
      path: 'consolidated.00.PTH',
      hint: 'rename it so that it ends in .safetensors',
    });
  });

  it('is content when name and content agree, or the name promises nothing', () => {
    expect(mistakeOfName('consolidated.00.pth', zip)).toBeUndefined();
    expect(mistakeOfName('old.pt', identifyBytes(Uint8Array.of(0x80, 2), 2))).toBeUndefined();
    expect(mistakeOfName('README', zip)).toBeUndefined();
    for (const file of ['tokenizer.model', 'checklist.chk', 'params.json', 'consolidated.00.pth']) {
      const bytes = readFileSync(join(FIXTURES, 'llama3.2-tiny', file));
      expect(mistakeOfName(file, identifyBytes(bytes, bytes.byteLength))).toBeUndefined();
    }
  });

  it('finds other formats under the names of the rest', () => {
    const found = ['a.safetensors', 'a.gguf', 'a.json', 'tokenizer.model', 'checklist.chk'].map(
      (name) => mistakeOfName(name, zip)?.message,
    );
    expect(found).toEqual(
      ['a safetensors file', 'a GGUF file', 'a JSON document', 'a tokenizer model', 'a checklist'].map(
        (expected) => `${expected} was expected, but this is a ZIP archive, 4 B`,
      ),
    );
  });
});
