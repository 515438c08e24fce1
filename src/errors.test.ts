import { describe, expect, it } from 'vitest';

import { CheckpointError, hexOffset } from './errors.js';

class RoomError extends CheckpointError {}

describe('CheckpointError', () => {
  it('keeps what a program and a person need, and is called by its class', () => {
    const cause = new Error('underneath');
    const error = new RoomError('room/cause', 'a was found', { path: 'p', offset: 255, hint: 'do b', cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      ...{ name: 'RoomError', code: 'room/cause', message: 'a was found', path: 'p', offset: 255, hint: 'do b', cause },
    });
    expect(String(error)).toBe('RoomError: a was found');
  });

  it('has no cause where none was given', () => {
    const error = new CheckpointError('room/cause', 'a was found');
    expect(Object.hasOwn(error, 'cause')).toBe(false);
    expect(error).toMatchObject({ name: 'CheckpointError', path: undefined, offset: undefined, hint: undefined });
  });
});

it('writes offsets in hexadecimal', () => {
  expect([0, 255, 2 ** 40].map(hexOffset)).toEqual(['0x0', '0xff', '0x10000000000']);
});
