import { nameType, type ValueCodec } from './encoding.js';
import type { Bytes, EngineStore } from './engine.js';
import { typeError } from './errors.js';
import type { KeySpace } from './keyspace.js';
import type { LoadEntry, LoadSink } from './load.js';
import type { Key } from './types.js';

/** What `load` reads pairs from; throws what is none. */
export function iterable<T>(source: Iterable<T> | AsyncIterable<T> | object): Iterable<T> | AsyncIterable<T> {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return source;
    if ('entries' in source) {
      throw typeError(
        'load takes no view and no store of another copy of hitkv: load what its entries() yield',
      );
    }
  }
  throw typeError(
    `load takes a path, a file: URL, pairs of key and value, or an open store, not ${nameType(source)}`,
  );
}

/** An encoded pair. */
export interface EncodedPair extends LoadEntry {
  readonly key: Bytes;
  readonly value: Bytes;
}

/** Puts pairs of key and value into a store. */
export class PairSink<V> implements LoadSink<readonly [Key, V], EncodedPair> {
  readonly #engine: EngineStore;
  readonly #keys: KeySpace;
  readonly #values: ValueCodec<V>;

  constructor(engine: EngineStore, keys: KeySpace, values: ValueCodec<V>) {
    this.#engine = engine;
    this.#keys = keys;
    this.#values = values;
  }

  encode(pair: readonly [Key, V]): EncodedPair {
    if (!Array.isArray(pair) || pair.length !== 2) {
      const got = Array.isArray(pair) ? `an array of ${(pair as readonly unknown[]).length}` : nameType(pair);
      throw typeError(`load takes pairs of key and value, [key, value], not ${got}`);
    }
    const key = own(this.#keys.toWrite(pair[0]));
    const value = own(this.#values.encode(pair[1]));
    return { key, value, bytes: byteLength(key) + byteLength(value) };
  }

  /** Writes of one turn of the event loop share their promise. */
  write(pairs: readonly EncodedPair[]): Promise<void> {
    let last = Promise.resolve();
    for (const { key, value } of pairs) last = this.#engine.set(key, value, undefined, undefined);
    return last;
  }
}

/** A copy of bytes: a source may use its buffer again before they are written. */
function own(bytes: Bytes): Bytes {
  return typeof bytes === 'string' ? bytes : Uint8Array.from(bytes);
}

function byteLength(bytes: Bytes): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
}
