import { isUtf8 } from 'node:buffer';
import { checkKey, checkPrefix, checkTextKey, quoteKey, toBytes } from './encoding.js';
import type { Bytes, KeyRange, Raw } from './engine.js';
import { HitError } from './errors.js';
import { ALL_KEYS, intersect, keysUnder, rangeOf } from './range.js';
import type { Range } from './types.js';

/**
 * The keys a view speaks of: those that begin with its prefix and go on. It checks the caller's keys, puts the prefix
 * in front of them, and takes it off those that come back. The prefix of a store is empty.
 */
export class KeySpace {
  readonly #prefix: Bytes;
  readonly #text: boolean;
  readonly #all: KeyRange;

  /** `text`: keys come back as strings, and a string is what their prefix is. */
  constructor(text: boolean, prefix: Bytes = '') {
    this.#prefix = prefix;
    this.#text = text;
    this.#all = prefix.length === 0 ? ALL_KEYS : keysUnder(prefix);
  }

  /** The whole key, to read with. */
  toRead(key: unknown): Bytes {
    checkKey(key);
    return this.#prefix.length === 0 ? key : this.#join(key);
  }

  /** The whole key, to write with: one that could not come back is refused. */
  toWrite(key: unknown): Bytes {
    const whole = this.toRead(key);
    if (this.#text && typeof whole !== 'string') checkTextKey(whole);
    return whole;
  }

  /** A range of whole keys, within this space. */
  range(range: Range | undefined): KeyRange {
    if (range === undefined) return this.#all;
    const wanted = rangeOf(range, (bound) => this.#bound(bound));
    return this.#prefix.length === 0 ? wanted : intersect(this.#all, wanted);
  }

  /** A stored key as this space's caller knows it. */
  strip(key: Raw): Raw {
    return key.slice(this.#prefix.length);
  }

  /** Whether `strip` changes nothing. */
  get whole(): boolean {
    return this.#prefix.length === 0;
  }

  /** The space under a further prefix. */
  sub(prefix: unknown): KeySpace {
    let whole = this.toRead(prefix);
    if (this.#text && typeof whole !== 'string') {
      if (!isUtf8(whole)) {
        throw new HitError(
          'HIT_KEY_INVALID',
          `the prefix ${quoteKey(whole)} is not UTF-8, so keys under it could not come back as text: use keyEncoding: 'binary'`,
        );
      }
      whole = Buffer.from(whole).toString();
    }
    // The characters of a string and the bytes of a byte array are what `strip` counts, so the prefix is kept in the
    // form in which keys come back, and as a copy that the caller cannot change.
    return new KeySpace(this.#text, this.#text ? whole : Uint8Array.from(toBytes(whole)));
  }

  #bound(bound: unknown): Bytes {
    checkPrefix(bound);
    return this.#prefix.length === 0 ? bound : this.#join(bound);
  }

  #join(key: Bytes): Bytes {
    const whole = joined(this.#prefix, key);
    checkKey(whole);
    return whole;
  }
}

function joined(prefix: Bytes, key: Bytes): Bytes {
  return typeof prefix === 'string' && typeof key === 'string'
    ? prefix + key
    : Buffer.concat([toBytes(prefix), toBytes(key)]);
}
