// A thread or the process ends in the middle of a long call.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { open, verify } from 'hitkv';
import { say } from './say.mjs';

/** What runs long: it tells progress by `onProgress`. */
const CALLS = {
  load: (db, folder, options) => db.load(`${folder}/entries.ndjson`, options),
  loadStore: async (db, _folder, options) => {
    const other = await open('memory:');
    await db.dump(other, options);
  },
  loadEndless: (db, folder, options) => db.load(`${folder}/endless.ndjson`, options),
  dump: (db, folder, options) => db.dump(`${folder}/dump.csv`, options),
  verify: (db, _folder, options) => db.verify(options),
  verifyClosed: (_db, folder, options) => verify(`${folder}/store`, options),
  backup: (db, folder, options) => db.backup(`${folder}/backup-${Math.random()}`, options),
};

const { way, call, folder } = isMainThread
  ? { way: process.argv[2], call: process.argv[3], folder: process.argv[4] }
  : workerData;

/** How many threads of long calls this process has. */
function longThreads() {
  const names = readdirSync('/proc/self/task').map((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
    } catch {
      return ''; // It ended meanwhile.
    }
  });
  return names.filter((name) => name === 'hit-long').length;
}

const start = (db, onProgress) => CALLS[call](db, folder, { onProgress });

if (isMainThread && way === 'terminate') {
  const mine = await open(`${folder}/store`);
  for (let round = 0; round < 5; round += 1) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { way, call, folder } });
    await new Promise((resolve, reject) => {
      worker.on('message', resolve);
      worker.on('error', reject);
    });
    await worker.terminate();
    await mine.set(`after ${round}`, 'value');
  }
  await mine.close();
  const again = await open(`${folder}/store`);
  say('entries', again.countSync() > 100_000);
  await again.close();
} else if (way === 'terminate') {
  const db = await open(`${folder}/store`);
  let told = false;
  await start(db, () => {
    if (!told) parentPort.postMessage('running');
    told = true;
  });
  // It was faster than the main thread.
  if (!told) parentPort.postMessage('done');
  setInterval(() => {}, 1_000);
} else if (isMainThread && way === 'threads') {
  const worker = new Worker(new URL(import.meta.url), { workerData: { way: 'terminate', call, folder } });
  await new Promise((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  say('while it runs', longThreads());
  await worker.terminate();
  while (longThreads() > 0) await pause(10);
  say('ended');
} else if (way === 'exit') {
  const db = await open(`${folder}/store`);
  void db.set('accepted', 'value', { durability: 'memory' });
  await start(db, () => process.exit(7));
} else if (way === 'throw') {
  const db = await open(`${folder}/store`);
  await start(db, () => {
    setImmediate(() => {
      throw new Error('on purpose');
    });
  });
} else if (way === 'leave') {
  // Nobody holds the store, nobody waits for the promise, and nothing else keeps the program alive.
  void start(await open(`${folder}/store`)).then((result) => say('answered', JSON.stringify(result)));
}
