import type { Bytes, Raw } from '../engine.js';
import { nativeError } from '../errors.js';
import { binding, type NativeStore } from './binding.js';
import { KeyBuffers } from './keys.js';
import { readValues } from './values.js';

/** What reads leave their values in; a larger buffer, for larger values, is not kept. */
const OUT_BYTES = 64 * 1024;

/** What of a store may be on disk only, so that reading it may take long. */
export type OnDisk = 'nothing' | 'values' | 'keys and values';

/** Reads through the addon: one key at a time, or many at one moment. */
export class Reader {
  readonly #native: NativeStore;
  readonly #text: boolean;
  readonly #onDisk: OnDisk;
  readonly #keys = new KeyBuffers();
  readonly #out = Buffer.allocUnsafeSlow(OUT_BYTES);

  constructor(native: NativeStore, text: boolean, onDisk: OnDisk = 'nothing') {
    this.#native = native;
    this.#text = text;
    this.#onDisk = onDisk;
  }

  /** Whether keys may be on disk only, so that a scan may take long too. */
  get mayWaitForKeys(): boolean {
    return this.#onDisk === 'keys and values';
  }

  get mayWait(): boolean {
    return this.#onDisk !== 'nothing';
  }

  get(key: Bytes): Raw | undefined {
    const length = this.#keys.putOne(key);
    try {
      return this.#native.get(this.#keys.bytes, length);
    } catch (error) {
      throw nativeError(error);
    }
  }

  getEntry(key: Bytes): { value: Raw; expiresAt?: number } | undefined {
    const length = this.#keys.putOne(key);
    try {
      const entry = this.#native.getEntry(this.#keys.bytes, length);
      if (entry === undefined) return undefined;
      const [value, expiresAt] = entry;
      return expiresAt === undefined ? { value } : { value, expiresAt };
    } catch (error) {
      throw nativeError(error);
    }
  }

  has(key: Bytes): boolean {
    const length = this.#keys.putOne(key);
    try {
      return this.#native.has(this.#keys.bytes, length);
    } catch (error) {
      throw nativeError(error);
    }
  }

  /** Reads keys without waiting for the disk: what is there is read on another thread. */
  readMany(keys: readonly Bytes[]): (Raw | undefined)[] | Promise<(Raw | undefined)[]> {
    return this.#fromDisk(keys)?.then(({ values }) => values) ?? this.getMany(keys);
  }

  /** The same for keys that need not be read at one moment. */
  readEach(keys: readonly Bytes[]): (Raw | undefined)[] | Promise<(Raw | undefined)[]> {
    return this.#fromDisk(keys)?.then(({ values }) => values) ?? this.getMany(keys, false);
  }

  /** The same for an entry with its expiry. */
  async readEntry(key: Bytes): Promise<{ value: Raw; expiresAt?: number } | undefined> {
    const reading = this.#fromDisk([key]);
    if (reading === undefined) return this.getEntry(key);
    const { values, expiries } = await reading;
    const [value] = values;
    const [expiresAt = Number.NaN] = expiries;
    if (value === undefined) return undefined;
    return Number.isNaN(expiresAt) ? { value } : { value, expiresAt };
  }

  /** The same for whether a key is there. Its value may be anything. */
  async readHas(key: Bytes): Promise<boolean> {
    const reading = this.mayWaitForKeys ? this.#fromDisk([key], false) : undefined;
    if (reading === undefined) return this.has(key);
    const { values } = await reading;
    return values[0] !== undefined;
  }

  /** Reads keys of which one at least is on disk; undefined where none is. */
  #fromDisk(
    keys: readonly Bytes[],
    text = this.#text,
  ): Promise<{ values: (Raw | undefined)[]; expiries: Float64Array }> | undefined {
    if (!this.mayWait || keys.length === 0) return undefined;
    this.#keys.putMany(keys);
    const { words, bytes } = this.#keys;
    try {
      const reading = binding().readFromDisk(this.#native, words, keys.length, bytes, text);
      return reading?.then(
        ({ words, out, expiries, ascii }) => ({
          values: readValues(words, keys.length, out, text, ascii),
          expiries,
        }),
        (error) => Promise.reject(nativeError(error)),
      );
    } catch (error) {
      throw nativeError(error);
    } finally {
      this.#keys.shrink();
    }
  }

  getMany(keys: readonly Bytes[], atOneMoment = true): (Raw | undefined)[] {
    if (keys.length === 0) return [];
    this.#keys.putMany(keys);
    const { words, bytes } = this.#keys;
    try {
      let out = this.#out;
      let answer = this.#native.getMany(words, keys.length, bytes, out, atOneMoment);
      while (answer < 0) {
        // The keys' lengths are still there, since nothing was left where `out` is too small. Another thread may have
        // put a longer value meanwhile, hence the loop.
        out = Buffer.allocUnsafeSlow(-answer);
        answer = this.#native.getMany(words, keys.length, bytes, out, atOneMoment);
      }
      return readValues(words, keys.length, out, this.#text, answer === 1);
    } catch (error) {
      throw nativeError(error);
    } finally {
      this.#keys.shrink();
    }
  }
}

/** Reads of one turn that are waiting to be made together. */
export class WaitingReads {
  #keys: Bytes[] = [];
  #resolves: ((value: Raw | undefined) => void)[] = [];
  #rejects: ((error: unknown) => void)[] = [];

  /** One executor for all promises, so that a read makes no closure. */
  readonly #waiter = (resolve: (value: Raw | undefined) => void, reject: (error: unknown) => void): void => {
    this.#resolves.push(resolve);
    this.#rejects.push(reject);
  };

  get size(): number {
    return this.#keys.length;
  }

  /** Adds a read. Bytes are copied, since their owner may change them before the turn is over. */
  add(key: Bytes): Promise<Raw | undefined> {
    this.#keys.push(typeof key === 'string' ? key : Uint8Array.from(key));
    return new Promise(this.#waiter);
  }

  /** Makes all of them. One that fails, as where a value is no text, does not fail the others. */
  answer(reader: Reader): void {
    const keys = this.#keys;
    const resolves = this.#resolves;
    const rejects = this.#rejects;
    this.#keys = [];
    this.#resolves = [];
    this.#rejects = [];
    const singly = () => answerSingly(reader, keys, resolves, rejects);
    let values: (Raw | undefined)[] | Promise<(Raw | undefined)[]>;
    try {
      values = reader.readEach(keys);
    } catch {
      singly();
      return;
    }
    if (values instanceof Promise) values.then((values) => answerAll(resolves, values), singly);
    else answerAll(resolves, values);
  }
}

function answerAll(
  resolves: readonly ((value: Raw | undefined) => void)[],
  values: readonly (Raw | undefined)[],
): void {
  for (let index = 0; index < resolves.length; index++) resolves[index]?.(values[index]);
}

function answerSingly(
  reader: Reader,
  keys: readonly Bytes[],
  resolves: readonly ((value: Raw | undefined) => void)[],
  rejects: readonly ((error: unknown) => void)[],
): void {
  for (const [index, key] of keys.entries()) {
    try {
      const values = reader.mayWait ? reader.readEach([key]) : [reader.get(key)];
      if (values instanceof Promise) values.then(([value]) => resolves[index]?.(value), rejects[index]);
      else resolves[index]?.(values[0]);
    } catch (error) {
      rejects[index]?.(error);
    }
  }
}
