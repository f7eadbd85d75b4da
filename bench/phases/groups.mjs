/** Entries of one group: a program awaits this many writes together. */
export const GROUP = 1000;

/** Groups that are under way at a time. */
export const IN_FLIGHT = 10;

/** Writes `count` entries by `write(from, to)`, group by group, with ten of them under way. Returns the seconds it took. */
export async function inGroups(count, write) {
  let next = 0;
  return allWriters(async () => {
    while (next < count) {
      const from = next;
      next = Math.min(from + GROUP, count);
      await write(from, next);
    }
  });
}

/** Calls `writeGroup()` for some time, ten times side by side. Returns the seconds until the last was answered. */
export function forSeconds(seconds, writeGroup) {
  const end = performance.now() + seconds * 1000;
  return allWriters(async () => {
    while (performance.now() < end) await writeGroup();
  });
}

async function allWriters(writer) {
  globalThis.gc();
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, writer));
  return (performance.now() - start) / 1000;
}

/** Sets entries one by one and awaits every promise of them. */
export function setEach(store, keys, values) {
  return (from, to) => {
    const promises = new Array(to - from);
    for (let at = from; at < to; at++) promises[at - from] = store.set(keys[at], values[at]);
    return Promise.all(promises);
  };
}
