import { chained, countedBy } from './level.mjs';
import { CACHE_BYTES } from './memory.mjs';
import { importPrebuilt } from './unavailable.mjs';

/** Entries that an iterator takes at a time. */
const SCAN_ENTRIES = 1000;

/**
 * @nxtedition/rocksdb: a write goes to the system before the call returns, unsynced, which is durability `os`. Its
 * synchronous reads are methods with an underscore; the fastest it has is what it is measured by.
 */
export async function load() {
  const { RocksLevel } = await importPrebuilt('@nxtedition/rocksdb');
  const open = async (folder, { binary = false } = {}) => {
    const encoding = binary ? 'buffer' : 'utf8';
    const encodings = { keyEncoding: encoding, valueEncoding: encoding };
    const db = new RocksLevel(folder, encodings);
    await db.open({ createIfMissing: true, cacheSize: CACHE_BYTES });
    const read = { valueEncoding: encoding };
    async function scan(visit) {
      const iterator = db.iterator(encodings);
      for (let finished = false; !finished; ) {
        const result = iterator._nextvSync(SCAN_ENTRIES, {});
        for (let at = 0; at < result.rows.length; at += 2) visit(result.rows[at], result.rows[at + 1]);
        ({ finished } = result);
      }
      await iterator.close();
    }
    return {
      set: (key, value) => db.put(key, value),
      batch: chained(db, {}),
      getSync: (key) => db._getManySync([key], read)[0],
      get: (key) => db.get(key),
      getMany: (keys) => db._getManySync(keys, read),
      scan,
      count: countedBy(scan),
      close: () => db.close(),
    };
  };
  return { open, forgets: false, ordered: true, opensLazily: true };
}
