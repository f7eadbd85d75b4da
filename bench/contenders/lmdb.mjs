/**
 * lmdb as it is opened by default: a `put` resolves when it is committed, and is synced a little later. With
 * `overlappingSync: false` it resolves when it is synced, which is what hitkv promises at durability `disk`.
 */
export async function load(options) {
  const { open: openLmdb } = await import('lmdb');
  const open = async (folder) => {
    const db = openLmdb({ path: folder, encoding: 'string', ...options });
    return {
      set: (key, value) => db.put(key, value),
      batch: (keys, values, from, to) =>
        db.batch(() => {
          for (let at = from; at < to; at++) db.put(keys[at], values[at]);
        }),
      getSync: (key) => db.get(key),
      get: (key) => db.getAsync(key),
      getMany: (keys) => db.getMany(keys),
      scan(visit) {
        for (const { key, value } of db.getRange()) visit(key, value);
      },
      count: () => db.getCount(),
      close: () => db.close(),
    };
  };
  return { open, forgets: false, ordered: true, opensLazily: true };
}
