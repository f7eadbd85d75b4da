// Fills a store, deletes nearly everything and compacts; says what memory the store and the process had before and after.
import { open } from 'hitkv';
import { say } from './say.mjs';

const ENTRIES = 200_000;
const GROUP = 10_000;
const value = 'v'.repeat(400);

const db = await open(process.argv[2]);
const keys = Array.from({ length: ENTRIES }, (_, number) => `key${number}`);
const figures = () => {
  globalThis.gc();
  return [process.memoryUsage().rss, db.stats().memoryBytes, db.stats().diskBytes];
};
const empty = figures();
for (let from = 0; from < ENTRIES; from += GROUP) {
  await db.setMany(
    keys.slice(from, from + GROUP).map((key) => [key, value]),
    { durability: 'os' },
  );
}
const full = figures();
await db.deleteMany(keys.slice(0, -1_000));
await db.compact();
const after = figures();
for (const key of keys.slice(-1_000)) if (db.getSync(key) !== value) throw new Error(`${key} is lost`);
say(JSON.stringify({ empty, full, after, entries: db.countSync() }));
await db.close();
