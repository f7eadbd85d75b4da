import { chained, countedBy } from './level.mjs';
import { CACHE_BYTES, WRITE_BUFFER_BYTES } from './memory.mjs';
import { importPrebuilt } from './unavailable.mjs';

/** Bytes and entries that an iterator reads ahead, as its documentation recommends: enough for every `nextv`. */
const SCAN_ENTRIES = 1000;
const SCAN_BYTES = SCAN_ENTRIES * 1000;

/**
 * classic-level (LevelDB): a `put` resolves when the system has it, which is durability `os`; with `sync: true` when it is
 * synced. A chained batch is faster than an array.
 */
export async function load({ sync }) {
  const { ClassicLevel } = await importPrebuilt('classic-level');
  const write = { sync };
  const open = async (folder, { binary = false } = {}) => {
    const encoding = binary ? 'buffer' : 'utf8';
    const db = new ClassicLevel(folder, {
      keyEncoding: encoding,
      valueEncoding: encoding,
      cacheSize: CACHE_BYTES,
      writeBufferSize: WRITE_BUFFER_BYTES,
    });
    await db.open();
    async function scan(visit) {
      const iterator = db.iterator({ highWaterMarkBytes: SCAN_BYTES });
      for (;;) {
        const entries = await iterator.nextv(SCAN_ENTRIES);
        if (entries.length === 0) break;
        for (const [key, value] of entries) visit(key, value);
      }
      await iterator.close();
    }
    return {
      set: (key, value) => db.put(key, value, write),
      batch: chained(db, write),
      getSync: (key) => db.getSync(key),
      get: (key) => db.get(key),
      getMany: (keys) => db.getMany(keys),
      scan,
      count: countedBy(scan),
      close: () => db.close(),
    };
  };
  return { open, forgets: false, ordered: true, opensLazily: true };
}
