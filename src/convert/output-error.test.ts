import { describe, expect, it } from 'vitest';

import { outputError } from './output-error.js';

describe('outputError', () => {
  // A full or read-only disk cannot be had in a test, so the codes of the system are given.
  it.each([
    ['ENOSPC', 'convert/no-space', 'the disk is full'],
    ['EDQUOT', 'convert/no-space', 'the disk is full'],
    ['EACCES', 'convert/not-writable', 'writing there is not permitted'],
    ['EPERM', 'convert/not-writable', 'writing there is not permitted'],
    ['EROFS', 'convert/not-writable', 'writing there is not permitted'],
    ['ENOTDIR', 'convert/not-writable', 'a file stands where a folder is needed'],
    ['EEXIST', 'convert/not-writable', 'a file stands where a folder is needed'],
    ['EIO', 'convert/write-failed', 'in the system’s words'],
    [undefined, 'convert/write-failed', 'in the system’s words'],
  ])('%s is %s', (system, code, message) => {
    const cause = Object.assign(new Error('in the system’s words'), { code: system });
    expect(outputError(cause, 'p', 'convert/write-failed')).toMatchObject({
      ...{ name: 'ConvertError', code, message, path: 'p', cause },
    });
  });
});
