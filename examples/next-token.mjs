// @ts-check
/**
 * Computes the logits of some token ids and shows which tokens are likeliest to follow.
 *
 * The pass is the measure that conversions are held against: exact and plain, not fast. The weights stream by, so
 * the model may be larger than the memory.
 *
 * Prints: 1. ĠTuesday
 */
import { forward, openModel } from 'llama-inspect/node';

const THE_DAY_AFTER_MONDAY_IS = [768, 260, 299, 278, 301, 262];

const model = await openModel('fixtures/llama3.2-tiny');
const tokens = THE_DAY_AFTER_MONDAY_IS;
const { logits } = await forward(model, tokens, { rows: [tokens.length - 1] });

const likeliest = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, 5);
// Pieces are spelled as the vocabulary has them: Ġ stands for a space.
likeliest.forEach((id, place) =>
  console.log(`${place + 1}. ${model.vocabulary?.pieces[id]} ${logits[id]?.toFixed(2)}`),
);
await model.close();
