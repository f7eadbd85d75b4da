/** Numbers in [0, 1) that are the same for the same seed. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * An endless row of operations on the keys of one writer, the same for the same seed. Each takes effect as a whole,
 * and each leaves a state that tells it from the others: a set writes its own number.
 */
export function* operations(seed, prefix) {
  const random = randomNumbers(seed);
  const key = () => `${prefix}${Math.floor(random() * 40)}`;
  const value = (number) => `${number} ${'v'.repeat(random() < 0.1 ? 5000 : Math.floor(random() * 400))}`;
  for (let number = 0; ; number += 1) {
    const kind = random();
    if (kind < 0.6) yield { type: 'set', key: key(), value: value(number) };
    else if (kind < 0.75) yield { type: 'delete', key: key() };
    else if (kind < 0.9) {
      const members = Array.from({ length: 1 + Math.floor(random() * 10) }, () =>
        random() < 0.7 ? { type: 'set', key: key(), value: value(number) } : { type: 'delete', key: key() },
      );
      yield { type: 'batch', members };
    } else if (kind < 0.98) yield { type: 'increment', key: `${prefix}counter` };
    else yield { type: 'clear', prefix: `${prefix}${Math.floor(random() * 4)}` };
  }
}

/** Runs an operation against a store. */
export function run(db, operation) {
  switch (operation.type) {
    case 'set':
      return db.set(operation.key, operation.value);
    case 'delete':
      return db.delete(operation.key);
    case 'batch':
      return db.batch(operation.members);
    case 'increment':
      return db.increment(operation.key, 1);
    default:
      return db.clear({ prefix: operation.prefix });
  }
}

/** What an operation does to a plain `Map`. */
export function model(map, operation) {
  switch (operation.type) {
    case 'set':
      map.set(operation.key, operation.value);
      break;
    case 'delete':
      map.delete(operation.key);
      break;
    case 'batch':
      for (const member of operation.members) model(map, member);
      break;
    case 'increment':
      map.set(operation.key, String(Number(map.get(operation.key) ?? 0) + 1));
      break;
    default:
      for (const key of [...map.keys()]) if (key.startsWith(operation.prefix)) map.delete(key);
  }
}
