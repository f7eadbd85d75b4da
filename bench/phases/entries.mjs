/** The entries of a run, and the order in which they are read. The same in every process, and made before the clock starts. */

/** `key0` … and `value0` …, in order. */
export function smallEntries(count) {
  const keys = new Array(count);
  const values = new Array(count);
  for (let at = 0; at < count; at++) {
    keys[at] = `key${at}`;
    values[at] = `value${at}`;
  }
  return { keys, values };
}

/** A sequence of numbers below 2^32 from a seed: xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
export function numbersFrom(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** The numbers below `count`, shuffled (Fisher-Yates). */
export function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  const next = numbersFrom(0x9e3779b9);
  for (let at = count - 1; at > 0; at--) {
    const other = next() % (at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

/**
 * Values of 1 KiB of random text. Kept in one string for each so that comparing them later costs no encoding.
 */
export function largeValues(count) {
  const next = numbersFrom(0x2545f491);
  const bytes = Buffer.alloc(768);
  return Array.from({ length: count }, () => {
    for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(next(), at);
    return bytes.toString('base64');
  });
}
