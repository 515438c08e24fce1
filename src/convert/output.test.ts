import { describe, expect, it } from 'vitest';

import { memoryOutput } from './output.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('an output in memory', () => {
  it('shows nothing before it commits, and all of it then', async () => {
    const output = memoryOutput();
    expect(output.name).toBe('output in memory');
    await output.prepare([
      { name: 'one', byteLength: 4 },
      { name: 'two', byteLength: 0 },
    ]);
    const sink = await output.create('one');
    await sink.write(bytes('12'));
    expect(sink.position).toBe(2);
    await sink.write(bytes('34'));
    await output.create('two');
    expect(output.files.size).toBe(0);
    await output.commit();
    expect([...output.files]).toEqual([
      ['one', bytes('1234')],
      ['two', bytes('')],
    ]);
    await output.discard();
    expect(output.files.size).toBe(2);
  });

  it('keeps copies, since a writer uses its block again', async () => {
    const output = memoryOutput();
    await output.prepare([{ name: 'one', byteLength: 2 }]);
    const block = bytes('12');
    await (await output.create('one')).write(block);
    block.fill(0);
    await output.commit();
    expect(output.files.get('one')).toEqual(bytes('12'));
  });

  it('forgets what is discarded', async () => {
    const output = memoryOutput();
    await output.prepare([{ name: 'one', byteLength: 4 }]);
    await (await output.create('one')).write(bytes('1234'));
    await output.discard();
    await output.commit();
    expect(output.files.size).toBe(0);
  });

  it('takes no more bytes than were planned, and none for a file that was not', async () => {
    const output = memoryOutput();
    await output.prepare([{ name: 'one', byteLength: 4 }]);
    const sink = await output.create('one');
    await sink.write(bytes('123'));
    await expect(sink.write(bytes('45'))).rejects.toMatchObject({
      ...{ name: 'ConvertError', code: 'convert/wrong-length', path: 'one' },
      message: 'more bytes came than the 4 planned',
    });
    expect(sink.position).toBe(3);
    const unplanned = await output.create('two');
    await expect(unplanned.write(bytes('1'))).rejects.toMatchObject({ code: 'convert/wrong-length', path: 'two' });
  });
});
