import { check } from './check.mjs';
import { numbersFrom } from './entries.mjs';
import { inGroups } from './groups.mjs';

const KEY_BYTES = 16;
const VALUE_BYTES = 100;

/** Values are cut from this many random bytes, at a place that the key tells; more than a store compresses at a time. */
const POOL_BYTES = 1 << 24;

/**
 * Many more entries than the others, with random keys, so that every sorted file overlaps every other and compaction has
 * to keep pace: what is sustained from the first entry to the last answer.
 */
export async function bulk(contender, job) {
  const entries = bulkEntries(job.bulkEntries);
  const store = await contender.open(job.folder, { binary: true });
  const seconds = await inGroups(job.bulkEntries, (from, to) => {
    const keys = [];
    const values = [];
    for (let at = from; at < to; at++) {
      const key = entries.keyAt(at);
      keys.push(key);
      values.push(entries.valueFor(key));
    }
    return store.batch(keys, values, 0, keys.length);
  });
  await store.close();

  const reopened = await contender.open(job.folder, { binary: true });
  await checkBulk(reopened, entries, job.bulkEntries);
  await reopened.close();
  return { bulk: job.bulkEntries / seconds };
}

/** Keys as bytes, all made before the clock starts, and the value that belongs to each. */
function bulkEntries(count) {
  const keys = randomBytes(count * KEY_BYTES, 0x2f6e2b1);
  const pool = randomBytes(POOL_BYTES, 0x5bd1e995);
  return {
    keyAt: (at) => keys.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES),
    valueFor(key) {
      const from = key.readUInt32LE(0) % (POOL_BYTES - VALUE_BYTES);
      return pool.subarray(from, from + VALUE_BYTES);
    },
  };
}

/** No word comes twice (the period of the sequence is 2^32 - 1), so no key does. */
function randomBytes(length, seed) {
  const next = numbersFrom(seed);
  const words = new Uint32Array(length / 4);
  for (let at = 0; at < words.length; at++) words[at] = next();
  return Buffer.from(words.buffer);
}

/** Scans everything: each value is its key's, keys ascend, and their number and sum are those of the keys written. */
async function checkBulk(store, { keyAt, valueFor }, count) {
  let seen = 0;
  let sum = 0;
  let last = Buffer.alloc(0);
  await store.scan((keyBytes, valueBytes) => {
    const key = asBuffer(keyBytes);
    // The messages are made only where they are needed: this runs ten million times.
    if (last.compare(key) >= 0)
      check(false, `a scan has ${key.toString('hex')} after ${last.toString('hex')}`);
    if (!valueFor(key).equals(valueBytes))
      check(false, `a scan has another value under ${key.toString('hex')}`);
    last = key;
    sum = (sum + digest(key)) >>> 0;
    seen += 1;
  });
  check(seen === count, `a scan saw ${seen} entries instead of ${count}`);
  let written = 0;
  for (let at = 0; at < count; at++) written = (written + digest(keyAt(at))) >>> 0;
  check(sum === written, 'a scan saw other keys than were written');
}

/** Half of a key, which is random: the sum of these over many keys says whether they are the same keys. */
const digest = (key) => key.readUInt32LE(0) ^ key.readUInt32LE(8);

const asBuffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
