import { check } from './check.mjs';
import { smallEntries } from './entries.mjs';

/**
 * Opening a filled store in a new process, alone and with every entry put into a Map. The files are in the page cache.
 * lmdb maps its file and reads nothing at open, and the sorted files of others are read when they are needed, so they
 * have no figure for the first.
 */
export async function reopen(contender, job) {
  globalThis.gc();
  const start = performance.now();
  const store = await contender.open(job.folder);
  const opened = performance.now();
  const map = new Map();
  await store.scan((key, value) => map.set(key, value));
  const filled = performance.now();

  const { keys, values } = smallEntries(job.entries);
  check(map.size === keys.length, `a Map was filled with ${map.size} entries instead of ${keys.length}`);
  for (const [at, key] of keys.entries()) {
    check(map.get(key) === values[at], `${key} came back as ${map.get(key)}`);
  }
  await store.close();
  const openAndFill = (job.entries / (filled - start)) * 1000;
  return contender.opensLazily
    ? { openAndFill }
    : { open: (job.entries / (opened - start)) * 1000, openAndFill };
}
