import { countedBy } from './level.mjs';
import { importPrebuilt } from './unavailable.mjs';

/** Entries that an iterator takes at a time: its default of 8 is slow. */
const SCAN_ENTRIES = 10_000;

/**
 * rocksdb-native: a write resolves when the system has it, unsynced, which is durability `os`; it has no other. Writes and
 * reads are gathered into batches, as its documentation shows; a `put` alone is a batch of one. It has no synchronous
 * reads and no size of its cache.
 */
export async function load() {
  const { default: RocksDB } = await importPrebuilt('rocksdb-native');
  const open = async (folder, { binary = false } = {}) => {
    const db = new RocksDB(folder);
    await db.ready();
    const decode = binary ? (bytes) => bytes : (bytes) => bytes?.toString();
    async function getMany(keys) {
      const batch = db.read({ capacity: keys.length, autoDestroy: true });
      const promises = keys.map((key) => batch.get(key));
      batch.tryFlush();
      return (await Promise.all(promises)).map(decode);
    }
    async function scan(visit) {
      for await (const { key, value } of db.iterator({}, { capacity: SCAN_ENTRIES })) {
        visit(decode(key), decode(value));
      }
    }
    return {
      set: (key, value) => db.put(key, value),
      batch(keys, values, from, to) {
        const batch = db.write({ capacity: to - from, autoDestroy: true });
        for (let at = from; at < to; at++) batch.tryPut(keys[at], values[at]);
        return batch.flush();
      },
      get: async (key) => decode(await db.get(key)),
      getMany,
      scan,
      count: countedBy(scan),
      close: () => db.close(),
    };
  };
  return { open, forgets: false, ordered: true, opensLazily: true };
}
