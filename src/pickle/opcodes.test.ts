import { describe, expect, it } from 'vitest';
import { PICKLE_OPCODES, opcodeOf } from './opcodes.js';

describe('the table of opcodes', () => {
  it('has 68 opcodes with a name and a byte each of their own', () => {
    expect(PICKLE_OPCODES).toHaveLength(68);
    expect(new Set(PICKLE_OPCODES.map((opcode) => opcode.name)).size).toBe(68);
    expect(new Set(PICKLE_OPCODES.map((opcode) => opcode.code)).size).toBe(68);
  });

  it('counts as many new opcodes in each protocol as pickletools does', () => {
    const counts = [0, 1, 2, 3, 4, 5].map((protocol) => PICKLE_OPCODES.filter((o) => o.protocol === protocol).length);
    expect(counts).toEqual([22, 19, 12, 2, 10, 3]);
  });

  it('finds an opcode by its byte', () => {
    expect(opcodeOf(0x2e)).toEqual({ name: 'STOP', code: 0x2e, protocol: 0, argument: 'none' });
    expect(opcodeOf(0x93)?.name).toBe('STACK_GLOBAL');
    expect(opcodeOf(0xff)).toBeUndefined();
  });
});
