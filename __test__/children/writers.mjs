// Several workers write into one store until the process is killed. Each says how many of its operations are
// acknowledged, after the await: "<writer> <count>".
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { open } from 'hitkv';
import { operations, randomNumbers, run } from './operations.mjs';
import { say } from './say.mjs';

/** Options by which little data makes many files. */
const own = (url) => (url.startsWith('rocksdb:') ? {} : { file: { segmentBytes: 65_536 } });

if (isMainThread) {
  const [url, round, levels = 'disk os disk'] = process.argv.slice(2);
  say('opening');
  const db = await open(url, own(url));
  say('open', await db.count());
  for (const [writer, durability] of levels.split(' ').entries()) {
    new Worker(new URL(import.meta.url), { workerData: { url, round: Number(round), writer, durability } });
  }
} else {
  const { url, round, writer, durability } = workerData;
  const db = await open(url, { ...own(url), durability });
  const random = randomNumbers(round * 10 + writer);
  const row = operations(round * 10 + writer, `r${round}w${writer}:`);
  const turns = [];
  let acknowledged = 0;
  for (;;) {
    const size = 1 + Math.floor(random() * 20);
    const writes = Array.from({ length: size }, () => run(db, row.next().value));
    turns.push({ size, done: Promise.all(writes) });
    if (turns.length < 4) continue;
    const turn = turns.shift();
    await turn.done;
    acknowledged += turn.size;
    say(writer, acknowledged);
  }
}
