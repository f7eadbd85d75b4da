import { pathToFileURL } from 'node:url';

/** hitkv: a file store at its default durability, `disk`. A promise resolves when the write is synced. */
export async function load(job, file) {
  const hitkv = await import(pathToFileURL(job.hitkv).href);
  const fileOptions = job.segmentBytes === undefined ? file : { ...file, segmentBytes: job.segmentBytes };
  const open = async (folder) => {
    const db = await hitkv.open(folder, { file: fileOptions });
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
  return { open, forgets: false, ordered: true };
}
