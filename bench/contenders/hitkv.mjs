import { pathToFileURL } from 'node:url';
import { Unavailable } from './unavailable.mjs';

/** hitkv on files, at its default durability, `disk`: a promise resolves when the write is synced. */
export function load(job, file) {
  const fileOptions = job.segmentBytes === undefined ? file : { ...file, segmentBytes: job.segmentBytes };
  return loadStore(job, (folder) => folder, { file: fileOptions });
}

/** hitkv on RocksDB, at a durability. */
export function loadRocksdb(job, durability) {
  return loadStore(job, (folder) => `rocksdb:${folder}`, { durability }, { opensLazily: true });
}

async function loadStore(job, urlOf, options, traits = {}) {
  const hitkv = await import(pathToFileURL(job.hitkv).href);
  const open = async (folder, { binary = false } = {}) => {
    const encodings = binary ? { keyEncoding: 'binary', valueEncoding: 'binary' } : {};
    const db = await hitkv.open(urlOf(folder), { ...options, ...encodings }).catch((error) => {
      // An addon may be built without a storage. Whatever else is wrong fails the run.
      throw error.code === 'HIT_UNSUPPORTED'
        ? new Unavailable(`${error.message}; \`npm run build -- --rocksdb\` builds it`)
        : error;
    });
    return {
      set: (key, value) => db.set(key, value),
      batch(keys, values, from, to) {
        const operations = [];
        for (let at = from; at < to; at++) operations.push({ type: 'set', key: keys[at], value: values[at] });
        return db.batch(operations);
      },
      getSync: (key) => db.getSync(key),
      get: (key) => db.get(key),
      getMany: (keys) => db.getMany(keys),
      scan(visit) {
        for (const [key, value] of db.entriesSync()) visit(key, value);
      },
      count: () => db.countSync(),
      load: (path) => db.load(path, { format: 'ndjson' }),
      dump: (path) => db.dump(path, { format: 'ndjson' }),
      verify: () => db.verify(),
      diskBytes: () => db.stats().diskBytes,
      close: () => db.close(),
    };
  };
  return { open, forgets: false, ordered: true, ...traits };
}
