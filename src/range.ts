import { checkKey, nameType, toBytes } from './encoding.js';
import type { Bytes, KeyRange } from './engine.js';
import { typeError } from './errors.js';
import type { Range } from './types.js';

const NOTHING = new Uint8Array(0);

/** Every key. */
export const ALL_KEYS: KeyRange = { start: NOTHING, end: null };

/** No key: what bounds that cross come to. */
const NO_KEYS: KeyRange = { start: NOTHING, end: NOTHING };

/** Checks a range and brings it into its half-open form; `whole` makes a bound a whole key. */
export function rangeOf(range: Range, whole: (bound: unknown) => Bytes): KeyRange {
  if (typeof range !== 'object' || range === null || Array.isArray(range))
    throw typeError(`a range is an object, not ${nameType(range)}`);
  if ('gt' in range && 'gte' in range) throw typeError('a range has gt or gte, not both');
  if ('lt' in range && 'lte' in range) throw typeError('a range has lt or lte, not both');
  let result = ALL_KEYS;
  for (const name in range) {
    const bound = (range as Record<string, unknown>)[name];
    if (bound === undefined) throw typeError(`the range member ${name} is undefined: leave it out`);
    result = intersect(result, halfOpen(name, bound, whole));
  }
  return result;
}

/** The keys that are in both ranges. */
export function intersect(one: KeyRange, other: KeyRange): KeyRange {
  const start = Buffer.compare(one.start, other.start) >= 0 ? one.start : other.start;
  const end = earlier(one.end, other.end);
  return end !== null && Buffer.compare(end, start) <= 0 ? NO_KEYS : { start, end };
}

/** The keys that begin with `prefix` and go on. */
export function keysUnder(prefix: Bytes): KeyRange {
  const bytes = toBytes(prefix);
  return { start: next(bytes), end: prefixEnd(bytes) };
}

/** The first key behind all keys with `prefix`; null where there is none (the prefix is empty or all 0xff). */
export function prefixEnd(prefix: Uint8Array): Uint8Array | null {
  const last = prefix.findLastIndex((byte) => byte !== 0xff);
  if (last < 0) return null;
  const end = Uint8Array.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] as number) + 1;
  return end;
}

function halfOpen(name: string, bound: unknown, whole: (bound: unknown) => Bytes): KeyRange {
  if (name === 'prefix') {
    const prefix = ownBytes(whole(bound));
    return { start: prefix, end: prefixEnd(prefix) };
  }
  switch (name) {
    case 'gt':
      return { start: next(limit(bound, whole)), end: null };
    case 'gte':
      return { start: limit(bound, whole), end: null };
    case 'lt':
      return { start: NOTHING, end: limit(bound, whole) };
    case 'lte':
      return { start: NOTHING, end: next(limit(bound, whole)) };
    default:
      throw typeError(`a range has no member ${name}: use gt, gte, lt, lte, prefix`);
  }
}

function limit(bound: unknown, whole: (bound: unknown) => Bytes): Uint8Array {
  checkKey(bound);
  return ownBytes(whole(bound));
}

/** A copy of bytes: a range outlives the call that it was given to, and their owner may change them meanwhile. */
function ownBytes(bound: Bytes): Uint8Array {
  return typeof bound === 'string' ? toBytes(bound) : Uint8Array.from(bound);
}

/** The smallest key behind `key`. */
function next(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}

function earlier(one: Uint8Array | null, other: Uint8Array | null): Uint8Array | null {
  if (one === null || other === null) return one ?? other;
  return Buffer.compare(one, other) <= 0 ? one : other;
}
