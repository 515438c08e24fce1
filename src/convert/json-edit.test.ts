import { describe, expect, it } from 'vitest';

import { replaceJsonValue, setJsonMember } from './json-edit.js';

const TEXT = '{\n  "a": 1e-05,\n  "b": [1, {"b": 2}],\n  "c": "x, \\"}"\n}\n';

describe('a value of a JSON text', () => {
  it('is replaced where it stands, and nothing else is spelled anew', () => {
    expect(replaceJsonValue(TEXT, ['a'], '2.0')).toBe(TEXT.replace('1e-05', '2.0'));
    expect(replaceJsonValue(TEXT, ['b'], '2.0')).toBe(TEXT);
  });
});

describe('a member of a JSON object', () => {
  it.each([
    ['of a number', 'a', TEXT.replace('1e-05', 'null')],
    ['of a list', 'b', TEXT.replace('[1, {"b": 2}]', 'null')],
    ['of a string with marks in it', 'c', TEXT.replace('"x, \\"}"', 'null')],
    ['that is new', 'd', TEXT.replace('}"\n', '}",\n  "d": null\n')],
  ])('%s is set', (_, key, wanted) => {
    expect(setJsonMember(TEXT, key, 'null')).toBe(wanted);
  });

  it.each(['a', 'b', 'c', 'd'])('is left out: %s', (key) => {
    const { [key]: _, ...rest } = JSON.parse(TEXT) as Record<string, unknown>;
    const text = setJsonMember(TEXT, key, undefined);
    expect(JSON.parse(text)).toEqual(rest);
    expect(text.split('\n').length).toBe(TEXT.split('\n').length - (key === 'd' ? 0 : 1));
  });

  it('is put into an empty object, and the only one taken out', () => {
    expect(setJsonMember('{}', 'a', '1')).toBe('{"a": 1}');
    expect(setJsonMember('{"a": {"b": 1}}', 'a', undefined)).toBe('{}');
  });
});
