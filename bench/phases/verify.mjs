import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { check } from './check.mjs';
import { largeValues, smallEntries } from './entries.mjs';
import { inGroups, setEach } from './groups.mjs';

/** Checking a store of small entries and of values of 1 KiB; in megabytes a second of its files. */
export async function verify(contender, job) {
  const small = smallEntries(job.entries);
  const large = largeValues(job.largeEntries);
  const filled = await contender.open(job.folder);
  await inGroups(small.keys.length, setEach(filled, small.keys, small.values));
  const largeKeys = large.map((_, number) => `large${number}`);
  await inGroups(large.length, setEach(filled, largeKeys, large));
  await filled.close();

  const store = await contender.open(job.folder);
  const files = logFiles(job.folder);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  globalThis.gc();
  const start = performance.now();
  const report = await store.verify();
  const seconds = (performance.now() - start) / 1000;
  check(report.ok && report.problems.length === 0, `verify found ${JSON.stringify(report.problems[0])}`);

  // What is fast may not have looked: one bit in the middle of the largest file, and it must say so.
  const { path, size } = files.reduce((one, other) => (other.size > one.size ? other : one));
  flipBit(path, size >> 1);
  const damaged = await store.verify();
  check(!damaged.ok && damaged.problems.length > 0, `verify did not find a wrong bit in ${path}`);
  await store.close();
  return { verify: bytes / 1e6 / seconds };
}

function logFiles(folder) {
  const log = join(folder, 'log');
  return readdirSync(log)
    .filter((name) => /\.(log|run)$/.test(name))
    .map((name) => ({ path: join(log, name), size: statSync(join(log, name)).size }));
}

function flipBit(path, offset) {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, offset);
  byte[0] ^= 1;
  writeSync(file, byte, 0, 1, offset);
  closeSync(file);
}
