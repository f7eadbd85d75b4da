import { createReadStream, rmSync, statSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { check, checkAfterReopening } from './check.mjs';
import { smallEntries } from './entries.mjs';

/** Loading a file of NDJSON that another program has written. */
export async function load(contender, job) {
  const { keys, values } = smallEntries(job.entries);
  const file = `${job.folder}-load.ndjson`;
  writeFileSync(file, keys.map((key, at) => `${JSON.stringify({ key, value: values[at] })}\n`).join(''));
  const store = await contender.open(job.folder);
  globalThis.gc();
  const start = performance.now();
  const { loaded, skipped } = await store.load(file);
  const seconds = (performance.now() - start) / 1000;
  rmSync(file);
  check(loaded === keys.length && skipped === 0, `${loaded} entries were loaded and ${skipped} skipped`);
  await checkAfterReopening(contender, store, job.folder, keys, values);
  return { load: keys.length / seconds };
}

/** Writing the filled store out as NDJSON. Every line of it is read and compared. */
export async function dump(contender, job) {
  const file = `${job.folder}-dump.ndjson`;
  const store = await contender.open(job.folder);
  globalThis.gc();
  const start = performance.now();
  const { dumped } = await store.dump(file);
  const seconds = (performance.now() - start) / 1000;
  await store.close();
  check(dumped === job.entries, `${dumped} entries were dumped`);
  check(statSync(file).size > 0, 'the dump is empty');
  await checkLines(file, job.entries);
  rmSync(file);
  return { dump: job.entries / seconds };
}

/** The keys are ASCII, so the order of strings is the order of their bytes. */
async function checkLines(file, entries) {
  let lines = 0;
  let last = '';
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { key, value } = JSON.parse(line);
    check(key > last, `a dump has ${key} after ${last}`);
    check(key.startsWith('key') && value === `value${key.slice(3)}`, `a dump has ${value} under ${key}`);
    last = key;
    lines += 1;
  }
  check(lines === entries, `a dump of ${entries} entries has ${lines} lines`);
}
