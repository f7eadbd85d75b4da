// Several workers share one store: each adds to one counter, writes keys of its own, and reads the others' at the end.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { open } from 'hitkv';
import { say } from './say.mjs';

const workers = 4;
const each = 200;

if (isMainThread) {
  const [url] = process.argv.slice(2);
  const db = await open(url);
  const running = Array.from(
    { length: workers },
    (_, writer) => new Worker(new URL(import.meta.url), { workerData: { url, writer } }),
  );
  const ended = running.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  await Promise.all(running.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  say('counter', db.getSync('counter'));
  say('entries', db.countSync());
  // Every worker's own handle sees what all have written, the main thread's too, which is not awaited.
  void db.set('from the main thread', 'value');
  db.getSync('from the main thread');
  const seen = await Promise.all(
    running.map((worker) => {
      worker.postMessage('read');
      return new Promise((resolve) => worker.once('message', resolve));
    }),
  );
  say('seen', seen.join(' '));
  await db.close();
  await Promise.all(ended);
  say('workers have ended');
} else {
  const { url, writer } = workerData;
  const db = await open(url);
  for (let number = 0; number < each; number += 1) {
    await Promise.all([db.set(`writer${writer}:${number}`, 'value'), db.increment('counter', 1)]);
  }
  parentPort.postMessage('done');
  parentPort.once('message', async () => {
    parentPort.postMessage(`${db.countSync()}`);
    await db.close();
  });
}
