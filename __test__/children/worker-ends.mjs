// A worker with an open store ends in one of several ways, without a close; the main thread then opens the store.
import { setImmediate as turn } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { open } from 'hitkv';
import { say } from './say.mjs';

if (isMainThread) {
  const [url, way] = process.argv.slice(2);
  const acknowledged = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { url, way, acknowledged },
    stderr: true,
  });
  worker.on('error', (error) => say('error', error.message));
  say('ended', await new Promise((resolve) => worker.on('exit', resolve)));
  const db = await open(url);
  let lost = 0;
  for (let number = 0; number < acknowledged[0]; number += 1) if (!db.hasSync(`key${number}`)) lost += 1;
  say('acknowledged', acknowledged[0], 'lost', lost);
  await db.set('after', 'value');
  await db.close();
} else {
  const { url, way, acknowledged } = workerData;
  const db = await open(url);
  for (let number = 0; number < 20; number += 1) {
    await db.set(`key${number}`, 'value');
    acknowledged[0] = number + 1;
  }
  void db.set('in flight', 'value');
  const scan = db.keys();
  if (way === 'throws') {
    await scan.next();
    void db.set('in flight too', 'value');
    setImmediate(() => {
      throw new Error('on purpose');
    });
  }
  if (way === 'exits') {
    await turn();
    void db.set('in flight too', 'value');
    process.exit(7);
  }
}
