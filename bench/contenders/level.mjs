/** `batch` of an abstract-level database by a chained batch, which copies each entry at once and needs no objects. */
export function chained(db, options) {
  return (keys, values, from, to) => {
    const batch = db.batch();
    for (let at = from; at < to; at++) batch.put(keys[at], values[at]);
    return batch.write(options);
  };
}

/** The number of entries of a store that counts them by reading them. */
export function countedBy(scan) {
  return async () => {
    let entries = 0;
    await scan(() => {
      entries += 1;
    });
    return entries;
  };
}
