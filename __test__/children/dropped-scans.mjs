// Leaves scans in the middle, then collects until their snapshots are given up; says how that went.
import { setImmediate as turn } from 'node:timers/promises';
import { open } from 'hitkv';
import { say } from './say.mjs';

const db = await open('memory:');
await db.setMany(Array.from({ length: 1000 }, (_, number) => [`key${number}`, 'value']));

async function drop() {
  await db.keys().next();
  db.entriesSync().next();
  await db.sub('key').values().next();
}
await drop();
let waited = 0;
for (; db.stats().oldestSnapshotMs === 0 && waited < 1_000_000; waited += 1) await turn();
say(waited < 1_000_000 ? 'held' : 'never held');
let collections = 0;
for (; db.stats().oldestSnapshotMs > 0 && collections < 500; collections += 1) {
  globalThis.gc();
  await turn();
}
say(collections < 500 ? 'given up' : 'still held');
await db.set('key', 'value');
await db.close();
