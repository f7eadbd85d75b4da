// Drops stores while their last write is under way, and collects before it can be answered; says who answered.
import { setImmediate as turn } from 'node:timers/promises';
import { open } from 'hitkv';
import { say } from './say.mjs';

const [url] = process.argv.slice(2);
const ROUNDS = 20;

async function write(round) {
  const db = await open(`${url}/${round}`);
  return { answered: db.set('key', 'value'.repeat(1_000_000)) };
}

let answers = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  const { answered } = await write(round);
  // Submitted with the end of this turn; nothing refers to the store any more. What a collection found is let go of
  // in a later turn.
  for (let collections = 0; collections < 5; collections += 1) {
    globalThis.gc();
    await turn();
  }
  await answered;
  answers += 1;
}
say(`${answers} answered`);
