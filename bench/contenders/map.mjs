/** A plain Map: what a program without a store would use. It keeps nothing and is not ordered. */
export function load() {
  const settled = Promise.resolve();
  const open = async () => {
    const map = new Map();
    return {
      set(key, value) {
        map.set(key, value);
        return settled;
      },
      batch(keys, values, from, to) {
        for (let at = from; at < to; at++) map.set(keys[at], values[at]);
        return settled;
      },
      getSync: (key) => map.get(key),
      getMany(keys) {
        return Promise.resolve(keys.map((key) => map.get(key)));
      },
      scan(visit) {
        for (const [key, value] of map) visit(key, value);
      },
      count: () => map.size,
      close: () => settled,
    };
  };
  return { open, forgets: true, ordered: false };
}
