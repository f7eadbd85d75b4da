import { batchRequest, encodeCheck, encodeOperation, list } from './batch.js';
import { increment } from './counter.js';
import { nameType, type ValueCodec } from './encoding.js';
import type { Bytes, EngineStore, Raw, ScanParts } from './engine.js';
import { typeError } from './errors.js';
import type { KeySpace } from './keyspace.js';
import { durabilityOf, expiryOf, scanRequest, writeRequest } from './options.js';
import { AsyncScan, SyncScan, type Take } from './scan.js';
import type {
  Check,
  Durability,
  Entry,
  Key,
  Operation,
  Range,
  ScanOptions,
  View,
  WriteOptions,
} from './types.js';
import { type Change, update } from './update.js';

/**
 * A view over an engine: it checks what the caller gives, encodes it, and decodes what comes back. Methods that
 * return a promise turn everything they throw into its rejection; those on the hot path do that without being `async`,
 * and hand out the engine's own promise.
 */
export class StoreView<V, K extends Key> implements View<V, K> {
  readonly #engine: EngineStore;
  readonly #keys: KeySpace;
  readonly #values: ValueCodec<V>;

  constructor(engine: EngineStore, keys: KeySpace, values: ValueCodec<V>) {
    this.#engine = engine;
    this.#keys = keys;
    this.#values = values;
  }

  get(key: Key): Promise<V | undefined> {
    try {
      const whole = this.#keys.toRead(key);
      const raw = this.#engine.get(whole);
      return this.#values.plain
        ? (raw as Promise<V | undefined>)
        : raw.then((found) => this.#decode(found, whole));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async getEntry(key: Key): Promise<Entry<V> | undefined> {
    const whole = this.#keys.toRead(key);
    const entry = await this.#engine.getEntry(whole);
    if (entry === undefined) return undefined;
    const { value: raw, ...expiry } = entry;
    return { value: this.#values.decode(raw, whole), ...expiry };
  }

  async getMany(keys: readonly Key[]): Promise<(V | undefined)[]> {
    const wholes = this.#toReadAll(keys);
    return this.#decodeAll(await this.#engine.getMany(wholes), wholes);
  }

  async has(key: Key): Promise<boolean> {
    return this.#engine.has(this.#keys.toRead(key));
  }

  getSync(key: Key): V | undefined {
    const whole = this.#keys.toRead(key);
    return this.#decode(this.#engine.getSync(whole), whole);
  }

  getManySync(keys: readonly Key[]): (V | undefined)[] {
    const wholes = this.#toReadAll(keys);
    return this.#decodeAll(this.#engine.getManySync(wholes), wholes);
  }

  hasSync(key: Key): boolean {
    return this.#engine.hasSync(this.#keys.toRead(key));
  }

  countSync(range?: Range): number {
    return this.#engine.countSync(this.#keys.range(range));
  }

  set(key: Key, value: V, options?: WriteOptions): Promise<void> {
    try {
      const whole = this.#keys.toWrite(key);
      const bytes = this.#values.encode(value);
      if (options === undefined) return this.#engine.set(whole, bytes, undefined, undefined);
      const { expiresAt, durability } = writeRequest(options);
      return this.#engine.set(whole, bytes, expiresAt, durability);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async setMany(
    entries: Iterable<readonly [Key, V]> | Record<string, V>,
    options?: WriteOptions,
  ): Promise<void> {
    const { expiresAt, durability } = writeRequest(options);
    // All of them are encoded before the first is written, so that a wrong one leaves nothing behind.
    const encoded: [Bytes, Bytes][] = [];
    for (const [key, value] of pairs(entries)) {
      encoded.push([this.#keys.toWrite(key), this.#values.encode(value)]);
    }
    await this.#writeAll(encoded, ([key, value]) => this.#engine.set(key, value, expiresAt, durability));
  }

  delete(key: Key, options?: { durability?: Durability }): Promise<void> {
    try {
      return this.#engine.delete(
        this.#keys.toRead(key),
        options === undefined ? undefined : durabilityOf(options),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async deleteMany(keys: readonly Key[], options?: { durability?: Durability }): Promise<void> {
    const durability = durabilityOf(options);
    await this.#writeAll(this.#toReadAll(keys), (key) => this.#engine.delete(key, durability));
  }

  async expire(key: Key, ttlMs: number | null): Promise<boolean> {
    if (ttlMs === undefined) throw typeError('ttlMs is undefined: use a positive number, or null for never');
    return this.#engine.expire(
      this.#keys.toRead(key),
      ttlMs === null ? undefined : expiryOf(ttlMs, undefined),
    );
  }

  async clear(range?: Range): Promise<void> {
    if (range !== undefined) refuseEverything(range);
    return this.#engine.clear(this.#keys.range(range));
  }

  async batch(
    operations: readonly Operation<V>[],
    options?: { checks?: readonly Check<V>[]; durability?: Durability },
  ): Promise<void> {
    const { checks, durability } = batchRequest<V>(options);
    const engineOperations = list(operations, 'operations').map((operation) =>
      encodeOperation(operation, this.#keys, this.#values),
    );
    const engineChecks = checks.map((check) => encodeCheck(check, this.#keys, this.#values));
    return this.#engine.batch(engineOperations, engineChecks, durability);
  }

  async update(key: Key, fn: Change<V>): Promise<V | undefined> {
    const whole = this.#keys.toWrite(key);
    if (typeof fn !== 'function') throw typeError(`update takes a function, not ${nameType(fn)}`);
    return update(this.#engine, this.#values, whole, fn);
  }

  increment(key: Key, by?: number): Promise<number>;
  increment(key: Key, by: bigint): Promise<bigint>;
  async increment(key: Key, by: number | bigint = 1): Promise<number | bigint> {
    return increment(this.#engine, this.#keys.toWrite(key), by);
  }

  entries(scan?: ScanOptions): AsyncIterableIterator<[K, V]> & AsyncDisposable {
    return this.#scan(scan, 'entries', this.#takeEntry());
  }

  keys(scan?: ScanOptions): AsyncIterableIterator<K> & AsyncDisposable {
    return this.#scan(scan, 'keys', this.#takeKey());
  }

  values(scan?: ScanOptions): AsyncIterableIterator<V> & AsyncDisposable {
    return this.#scan(scan, 'values', this.#takeValue());
  }

  entriesSync(scan?: ScanOptions): IterableIterator<[K, V]> & Disposable {
    return this.#scanSync(scan, 'entries', this.#takeEntry());
  }

  keysSync(scan?: ScanOptions): IterableIterator<K> & Disposable {
    return this.#scanSync(scan, 'keys', this.#takeKey());
  }

  valuesSync(scan?: ScanOptions): IterableIterator<V> & Disposable {
    return this.#scanSync(scan, 'values', this.#takeValue());
  }

  async count(range?: Range): Promise<number> {
    return this.#engine.count(this.#keys.range(range));
  }

  sub(prefix: Key): View<V, K> {
    return new StoreView<V, K>(this.#engine, this.#keys.sub(prefix), this.#values);
  }

  #decode(raw: Raw | undefined, key: Bytes): V | undefined {
    return raw === undefined ? undefined : this.#values.decode(raw, key);
  }

  #decodeAll(raws: (Raw | undefined)[], keys: readonly Bytes[]): (V | undefined)[] {
    if (this.#values.plain) return raws as (V | undefined)[];
    return raws.map((raw, index) => this.#decode(raw, keys[index] as Bytes));
  }

  #toReadAll(keys: readonly Key[]): Bytes[] {
    return list(keys, 'keys').map((key) => this.#keys.toRead(key));
  }

  /** Writes all and resolves with the last, since writes of one turn share their promise. */
  #writeAll<T>(items: readonly T[], write: (item: T) => Promise<void>): Promise<void> {
    let last: Promise<void> | undefined;
    for (const item of items) last = write(item);
    // Nothing to write is nothing on an open store only.
    return last ?? this.#engine.batch([], [], undefined);
  }

  #takeEntry(): Take<[K, V]> {
    const values = this.#values;
    if (values.plain && this.#keys.whole) {
      return (scan, index) => [scan.keys[index], scan.values[index]] as unknown as [K, V];
    }
    return (scan, index) => {
      const key = scan.keys[index] as Raw;
      return [this.#keys.strip(key) as K, values.decode(scan.values[index] as Raw, key)];
    };
  }

  #takeKey(): Take<K> {
    return (scan, index) => this.#keys.strip(scan.keys[index] as Raw) as K;
  }

  #takeValue(): Take<V> {
    return (scan, index) => this.#values.decode(scan.values[index] as Raw);
  }

  #scan<T>(options: ScanOptions | undefined, parts: ScanParts, take: Take<T>): AsyncScan<T> {
    const { range, reverse, limit, signal } = scanRequest(options);
    const keys = this.#keys.range(range);
    const open = async () => this.#engine.scan(keys, parts, reverse);
    return new AsyncScan<T>({ open, limit, signal }, take);
  }

  #scanSync<T>(options: ScanOptions | undefined, parts: ScanParts, take: Take<T>): SyncScan<T> {
    const { range, reverse, limit, signal } = scanRequest(options);
    const keys = this.#keys.range(range);
    const open = () => this.#engine.scanSync(keys, parts, reverse);
    return new SyncScan<T>({ open, limit, signal }, take);
  }
}

function* pairs<V>(entries: Iterable<readonly [Key, V]> | Record<string, V>): Iterable<readonly [Key, V]> {
  if (typeof entries !== 'object' || entries === null) {
    throw typeError(`setMany takes pairs of key and value or a record, not ${nameType(entries)}`);
  }
  if (!(Symbol.iterator in entries)) {
    yield* Object.entries(entries);
    return;
  }
  for (const pair of entries) {
    if (!Array.isArray(pair) || pair.length !== 2) throw typeError('setMany takes pairs of key and value');
    yield pair as unknown as readonly [Key, V];
  }
}

/** What stands in a range for "all" where it is seldom meant. */
function refuseEverything(range: Range): void {
  if (typeof range !== 'object' || range === null) return;
  if (Object.keys(range).length === 0)
    throw typeError('clear({}) would clear everything: use clear() if that is meant');
  const { prefix } = range;
  if ((typeof prefix === 'string' || prefix instanceof Uint8Array) && prefix.length === 0) {
    throw typeError('clear with an empty prefix would clear everything: use clear() if that is meant');
  }
}
