// Several workers write into one store of several lanes until the process is killed. In each turn a worker sets eight keys one by one
// and eight others in one batch, all to the turn's number, and says which turn is acknowledged: "<writer> <turn>".
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { open } from 'hitkv';
import { say } from './say.mjs';

const LANES = 4;

if (isMainThread) {
  const [url, round, levels] = process.argv.slice(2);
  const db = await open(url, { ioConcurrency: LANES });
  say('open', db.stats().lanes);
  for (const [writer, durability] of levels.split(' ').entries()) {
    new Worker(new URL(import.meta.url), { workerData: { url, round, writer, durability } });
  }
} else {
  const { url, round, writer, durability } = workerData;
  const db = await open(url, { ioConcurrency: LANES, durability });
  const keys = Array.from({ length: 8 }, (_, key) => key);
  const turns = [];
  for (let turn = 1; ; turn += 1) {
    const value = String(turn);
    const writes = keys.map((key) => db.set(`r${round}w${writer}:alone${key}`, value));
    writes.push(
      db.batch(keys.map((key) => ({ type: 'set', key: `r${round}w${writer}:together${key}`, value }))),
    );
    turns.push(Promise.all(writes));
    if (turns.length < 4) continue;
    await turns.shift();
    say(writer, turn - 3);
  }
}
