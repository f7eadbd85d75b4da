import { nameKey, nameType, quoteKey, type ValueCodec } from './encoding.js';
import type {
  Bytes,
  EngineCheck,
  EngineOperation,
  EngineScan,
  EngineStore,
  KeyRange,
  Raw,
  ScanParts,
} from './engine.js';
import { HitError, rangeError, typeError } from './errors.js';
import type { KeySpace } from './keyspace.js';
import { MAX_COUNTER, MAX_UPDATE_TRIES, MIN_COUNTER } from './limits.js';
import { checkObject, durabilityOf, expiryOf, scanRequest, writeRequest } from './options.js';
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

const SET_MEMBERS = new Set(['type', 'key', 'value', 'ttlMs', 'expiresAt']);
const DELETE_MEMBERS = new Set(['type', 'key']);
const CHECK_MEMBERS = new Set(['key', 'equals', 'exists']);

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
    const { checks, durability } = batchOptions<V>(options);
    const engineOperations = list(operations, 'operations').map((operation) => this.#operation(operation));
    const engineChecks = checks.map((check) => this.#check(check));
    return this.#engine.batch(engineOperations, engineChecks, durability);
  }

  async update(
    key: Key,
    fn: (current: V | undefined) => V | undefined | Promise<V | undefined>,
  ): Promise<V | undefined> {
    const whole = this.#keys.toWrite(key);
    if (typeof fn !== 'function') throw typeError(`update takes a function, not ${nameType(fn)}`);
    for (let tries = 0; tries < MAX_UPDATE_TRIES; tries++) {
      const raw = this.#engine.supports.syncReads
        ? this.#engine.getSync(whole)
        : await this.#engine.get(whole);
      const answer = fn(this.#decode(raw, whole));
      // Where both the read and `fn` are synchronous nothing comes between read and write on this thread.
      const next = isPromise(answer) ? await answer : answer;
      if (await this.#replace(whole, raw, next)) return next;
    }
    throw new HitError(
      'HIT_CONFLICT',
      `update of ${quoteKey(whole)} lost to other writers ${MAX_UPDATE_TRIES} times: try again, or write it from one place`,
      { keys: [nameKey(whole)] },
    );
  }

  increment(key: Key, by?: number): Promise<number>;
  increment(key: Key, by: bigint): Promise<bigint>;
  async increment(key: Key, by: number | bigint = 1): Promise<number | bigint> {
    const whole = this.#keys.toWrite(key);
    if (typeof by === 'bigint') {
      if (by < MIN_COUNTER || by > MAX_COUNTER)
        throw rangeError(`a counter's step has 64 bits, ${by} has more`);
      return this.#engine.increment(whole, by);
    }
    if (typeof by !== 'number')
      throw typeError(`a counter's step is a number or a bigint, not ${nameType(by)}`);
    if (!Number.isSafeInteger(by))
      throw rangeError(`a counter's step is an integer up to 2^53-1, not ${by}: use a bigint`);
    if (this.#engine.supports.syncReads) this.#refuseUnsafeSum(whole, by);
    return safeNumber(await this.#engine.increment(whole, BigInt(by)), whole);
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

  #operation(operation: Operation<V>): EngineOperation {
    checkObject(operation, 'operations');
    const key = this.#keys.toWrite(operation.key);
    switch (operation.type) {
      case 'set': {
        for (const name in operation) if (!SET_MEMBERS.has(name)) throw unknownMember('a set', name);
        const { value, ttlMs, expiresAt } = operation;
        return { type: 'set', key, value: this.#values.encode(value), expiresAt: expiryOf(ttlMs, expiresAt) };
      }
      case 'delete':
        for (const name in operation) if (!DELETE_MEMBERS.has(name)) throw unknownMember('a delete', name);
        return { type: 'delete', key };
      default:
        throw typeError(
          `an operation's type is 'set' or 'delete', not ${String((operation as { type: unknown }).type)}`,
        );
    }
  }

  #check(check: Check<V>): EngineCheck {
    checkObject(check, 'checks');
    const key = this.#keys.toRead(check.key);
    for (const name in check) if (!CHECK_MEMBERS.has(name)) throw unknownMember('a check', name);
    const { equals, exists } = check as { equals?: V; exists?: boolean };
    if ('equals' in check === 'exists' in check) throw typeError('a check has either equals or exists');
    if ('equals' in check) return { key, equals: this.#values.encode(equals as V) };
    if (typeof exists !== 'boolean') throw typeError(`exists is true or false, not ${nameType(exists)}`);
    return { key, exists };
  }

  /** Writes all and resolves with the last, since writes of one turn share their promise. */
  #writeAll<T>(items: readonly T[], write: (item: T) => Promise<void>): Promise<void> {
    let last: Promise<void> | undefined;
    for (const item of items) last = write(item);
    // Nothing to write is nothing on an open store only.
    return last ?? this.#engine.batch([], [], undefined);
  }

  /** Puts `next` where still `raw` is; false where it is no more. */
  async #replace(key: Bytes, raw: Raw | undefined, next: V | undefined): Promise<boolean> {
    if (raw === undefined && next === undefined) return true;
    const operation: EngineOperation =
      next === undefined
        ? { type: 'delete', key }
        : { type: 'set', key, value: this.#values.encode(next), keepExpiry: true };
    const check: EngineCheck = raw === undefined ? { key, exists: false } : { key, equals: raw };
    try {
      await this.#engine.batch([operation], [check], undefined);
      return true;
    } catch (error) {
      if (HitError.is(error) && error.code === 'HIT_CONFLICT') return false;
      throw error;
    }
  }

  /** Refuses a step whose sum a number cannot carry before it is taken; what is no counter the engine refuses. */
  #refuseUnsafeSum(key: Bytes, by: number): void {
    const raw = this.#engine.getSync(key);
    const text = typeof raw === 'string' || raw === undefined ? raw : Buffer.from(raw).toString('latin1');
    if (text !== undefined && /^-?\d{1,19}$/.test(text)) safeNumber(BigInt(text) + BigInt(by), key);
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
    const keys: KeyRange = this.#keys.range(range);
    return new AsyncScan<T>(
      { open: async () => this.#engine.scan(keys, parts, reverse), limit, signal },
      take,
    );
  }

  #scanSync<T>(options: ScanOptions | undefined, parts: ScanParts, take: Take<T>): SyncScan<T> {
    const { range, reverse, limit, signal } = scanRequest(options);
    const keys: KeyRange = this.#keys.range(range);
    return new SyncScan<T>(
      { open: (): EngineScan => this.#engine.scanSync(keys, parts, reverse), limit, signal },
      take,
    );
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

function list<T>(items: readonly T[], what: string): readonly T[] {
  if (!Array.isArray(items)) throw typeError(`${what} are an array, not ${nameType(items)}`);
  return items;
}

function batchOptions<V>(options: unknown): {
  checks: readonly Check<V>[];
  durability: Durability | undefined;
} {
  if (options === undefined) return { checks: [], durability: undefined };
  checkObject(options, 'the options of a batch');
  const { checks, ...rest } = options as { checks?: readonly Check<V>[] };
  return { checks: checks === undefined ? [] : list(checks, 'checks'), durability: durabilityOf(rest) };
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

function unknownMember(what: string, name: string): TypeError {
  return typeError(`${what} has no member ${JSON.stringify(name)}`);
}

function isPromise<T>(answer: T | Promise<T>): answer is Promise<T> {
  return typeof (answer as { then?: unknown } | undefined | null)?.then === 'function';
}

function safeNumber(sum: bigint, key: Bytes): number {
  const number = Number(sum);
  if (Number.isSafeInteger(number)) return number;
  throw rangeError(
    `the counter ${quoteKey(key)} would be ${sum}, which a number cannot carry: increment it by a bigint`,
  );
}
