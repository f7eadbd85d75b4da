import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { check, checkAfterReopening } from './check.mjs';
import { numbersFrom, smallEntries } from './entries.mjs';
import { forSeconds, GROUP, inGroups, setEach } from './groups.mjs';

/** The size of a segment where a run does not choose one. */
const SEGMENT_BYTES = 64 << 20;

/** What an entry takes on disk besides its key and value, at least. */
const ENTRY_BYTES = 4;

/** How often the space is looked at, and a `set` awaited by itself, while others overwrite. */
const SAMPLE_MS = 10;

/** A filled store, and `group()`, which overwrites a thousand random keys; `values` is what the store must have. */
async function overwriting(contender, job) {
  const { keys, values } = smallEntries(job.entries);
  const store = await contender.open(job.folder);
  await inGroups(keys.length, setEach(store, keys, values));
  const next = numbersFrom(0x1f123bb5);
  let written = 0;
  const group = () => {
    const promises = new Array(GROUP);
    for (let at = 0; at < GROUP; at++) {
      const number = next() % keys.length;
      written += 1;
      values[number] = `value${written}`;
      promises[at] = store.set(keys[number], values[number]);
    }
    return Promise.all(promises);
  };
  return { store, keys, values, group, written: () => written };
}

/** A round of overwriting: what compaction costs shows beside the same without it. */
export async function overwrite(contender, job) {
  const { store, keys, values, group, written } = await overwriting(contender, job);
  const seconds = await forSeconds(job.overwriteSeconds, group);
  await checkAfterReopening(contender, store, job.folder, keys, values);
  return { overwrite: written() / seconds };
}

/**
 * Overwriting for long. Meanwhile one `set` after another is awaited by itself, and the space on disk is held against
 * its bound, three times the live data and four segments: by what the store says and by what its files take.
 */
export async function sustain(contender, job) {
  const { store, keys, values, group, written } = await overwriting(contender, job);
  const segment = job.segmentBytes ?? SEGMENT_BYTES;
  // What is live hardly changes, but values get longer: the bound is that of the values at the start, so the lower one.
  const live = liveBytes(keys, values);
  const bound = 3 * live + 4 * segment;
  const latenciesMs = [];
  let mostBytes = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      const start = performance.now();
      const probe = latenciesMs.length % keys.length;
      values[probe] = `probe${latenciesMs.length}`;
      await store.set(keys[probe], values[probe]);
      latenciesMs.push(performance.now() - start);
      mostBytes = Math.max(mostBytes, store.diskBytes(), bytesUnder(job.folder));
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  const seconds = await forSeconds(job.sustainSeconds, group);
  over = true;
  await watching;
  check(mostBytes > live, `${mostBytes} bytes on disk cannot hold ${live} bytes of live data`);
  await checkAfterReopening(contender, store, job.folder, keys, values);
  latenciesMs.sort((left, right) => left - right);
  return {
    sustain: written() / seconds,
    sustainP99: latenciesMs[Math.ceil(latenciesMs.length * 0.99) - 1],
    sustainSpace: (mostBytes / bound) * 100,
  };
}

/** What a folder takes on the disk, space that was only set aside included: the store's own figure could be wrong. */
function bytesUnder(folder) {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const file = entry.isFile() && statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    if (file) bytes += file.blocks * 512;
  }
  return bytes;
}

function liveBytes(keys, values) {
  let bytes = keys.length * ENTRY_BYTES;
  for (let at = 0; at < keys.length; at++) bytes += keys[at].length + values[at].length;
  return bytes;
}
