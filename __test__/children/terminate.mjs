// A worker is terminated in the middle of its writes; the store lives on in the main thread, where all it has
// acknowledged is there.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { open } from 'hitkv';
import { say } from './say.mjs';

const rounds = 8;

if (isMainThread) {
  const [url, held] = process.argv.slice(2);
  // Without a handle of the main thread a terminated worker is the last owner.
  const mine = held === 'held' ? await open(url) : undefined;
  let lost = 0;
  for (let round = 0; round < rounds; round += 1) {
    const progress = new SharedArrayBuffer(4);
    const acknowledged = new Int32Array(progress);
    const worker = new Worker(new URL(import.meta.url), { workerData: { url, round, progress } });
    const stopAt = 5 + round * 7;
    await new Promise((resolve) => {
      worker.on('message', (count) => count >= stopAt && resolve());
    });
    await worker.terminate();
    const db = mine ?? (await open(url));
    const kept = Atomics.load(acknowledged, 0);
    for (let number = 0; number < kept; number += 1) if (!db.hasSync(`${round}:${number}`)) lost += 1;
    await db.set(`after ${round}`, 'value');
    if (!mine) await db.close();
  }
  await mine?.close();
  say('lost', lost);
} else {
  const { url, round, progress } = workerData;
  const acknowledged = new Int32Array(progress);
  const db = await open(url);
  for (let number = 0; ; ) {
    const turn = Array.from({ length: 10 }, (_, index) =>
      db.set(`${round}:${number + index}`, 'v'.repeat(100)),
    );
    void db.get(`${round}:${number}`);
    void db.keys().next();
    await Promise.all(turn);
    number += 10;
    Atomics.store(acknowledged, 0, number);
    parentPort.postMessage(number);
  }
}
