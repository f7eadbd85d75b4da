// Joins a control group where one is given, then writes, reads and scans much more data than its memory, and says how much memory it
// had at most: "most <bytes>".
import { randomFillSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { say } from './say.mjs';

const [url, dataMiB, memoryBytes, procs] = process.argv.slice(2);
if (procs) writeFileSync(procs, String(process.pid));
// The default of memoryBytes follows from the limit, so it joins first.
const { open } = await import('hitkv');

const VALUE_BYTES = 4096;
const entries = (Number(dataMiB) * 1_048_576) / VALUE_BYTES;
const noise = randomFillSync(Buffer.alloc(4_194_304));
const key = (number) => `key${String(number).padStart(8, '0')}`;
const value = (number) =>
  noise.subarray((number * 1_009) % (noise.length - VALUE_BYTES)).subarray(0, VALUE_BYTES);

let most = 0;
/** What of this process cannot be given back: not the pages of files. */
function look() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) * 1024;
  most = Math.max(most, bytes('RssAnon') + bytes('RssShmem'));
}

const db = await open(url, {
  valueEncoding: 'binary',
  durability: 'os',
  maxPendingBytes: 4_194_304,
  ...(memoryBytes && { rocksdb: { memoryBytes: Number(memoryBytes) } }),
});
// In an order that is not that of the keys, so that compaction has something to do.
const step = 7_919;
for (let count = 0; count < entries; count += 500) {
  const some = Array.from(
    { length: Math.min(500, entries - count) },
    (_, at) => ((count + at) * step) % entries,
  );
  await db.setMany(some.map((number) => [key(number), value(number)]));
  look();
}
await db.flush();
say('written', entries);

let wrong = 0;
for (let count = 0; count < 10_000; count += 100) {
  const some = Array.from({ length: 100 }, () => Math.floor(Math.random() * entries));
  const found = await db.getMany(some.map(key));
  for (const [at, number] of some.entries())
    if (!found[at] || value(number).compare(found[at]) !== 0) wrong += 1;
  look();
}
say('read wrong', wrong);

let seen = 0;
for await (const [name, bytes] of db.entries()) {
  if (name !== key(seen) || value(seen).compare(bytes) !== 0) wrong += 1;
  seen += 1;
  if (seen % 1_000 === 0) look();
}
say('scanned', seen, 'wrong', wrong);
say('most', most);
await db.close();
