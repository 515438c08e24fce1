/** Files of a Hugging Face folder beside the weights: each is carried along, or it is told that it is not. */
import { describe, expect, it } from 'vitest';

import { openModel } from '../llama/open-model.js';
import { memoryFolder } from '../source/folder.js';
import { smallHfFiles } from '../testing/small-checkpoints.js';
import { planConversion } from './convert.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the small files of a Hugging Face folder', () => {
  it.each(['preprocessor_config.json', 'processor_config.json'])('are carried along: %s', async (name) => {
    await using model = await openModel(memoryFolder({ ...smallHfFiles(), [name]: utf8('{"mine":  1}') }, 'x'));
    const { files } = planConversion(model, { to: 'safetensors' });
    expect(files.find((file) => file.name === name)?.pieces).toEqual([{ kind: 'bytes', bytes: utf8('{"mine":  1}') }]);
  });

  it('are told where they are left out', async () => {
    const named = 'additional_chat_templates/rag.jinja';
    await using model = await openModel(memoryFolder({ ...smallHfFiles(), [named]: utf8('x') }, 'x'));
    expect(planConversion(model, { to: 'safetensors' }).warnings).toContain(
      `${named} is left out: templates in a folder of their own are not read`,
    );
  });
});
