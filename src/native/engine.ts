import type {
  Bytes,
  EngineCheck,
  EngineOpenOptions,
  EngineOperation,
  EngineScan,
  EngineStore,
  KeyRange,
  Raw,
  ScanParts,
} from '../engine.js';
import { type HitError, nativeError, notOpenError } from '../errors.js';
import type { Capabilities, Durability, Stats } from '../types.js';
import { binding, type NativeFailure, type NativeOpenOptions, type NativeStore } from './binding.js';
import { leaveAtExit } from './exit.js';
import { Reader, WaitingReads } from './reads.js';
import { Scans } from './scan.js';
import { Tickets } from './tickets.js';
import { Writer } from './writer.js';

const DURABILITIES: Record<Durability, number> = { memory: 0, os: 1, disk: 2 };

/** Opens a store through the addon. */
export async function openNative(url: string, options: EngineOpenOptions): Promise<NativeEngine> {
  const tickets = new Tickets();
  const { onError } = options;
  // Each in a microtask of its own, so that one that throws does not keep the next from being heard.
  const hear =
    onError && ((failure: NativeFailure) => queueMicrotask(() => onError(nativeError(failure) as HitError)));
  try {
    const native = await binding().open(url, nativeOptions(options), tickets.settle, hear ?? null);
    return new NativeEngine(native, tickets, options);
  } catch (error) {
    throw nativeError(error);
  }
}

/**
 * A store in the addon. Its writer gathers a turn's writes for one native call and its reader a turn's reads; this
 * keeps them in order: a read sees every write before it, and a read that waits is made before a write behind it.
 */
export class NativeEngine implements EngineStore {
  readonly kind = 'native';
  readonly url: string;
  readonly supports: Readonly<Capabilities>;
  /** The addon's own object, for what is started on top of it. */
  readonly native: NativeStore;

  readonly #durability: number;
  readonly #tickets: Tickets;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #waitingReads = new WaitingReads();
  readonly #scans: Scans;
  readonly #forget: () => void;
  #closing: Promise<void> | undefined;

  constructor(native: NativeStore, tickets: Tickets, options: EngineOpenOptions) {
    this.native = native;
    this.url = native.url;
    this.supports = Object.freeze({ ...native.supports }) as unknown as Capabilities;
    this.#durability = DURABILITIES[options.durability ?? 'disk'];
    this.#tickets = tickets;
    this.#writer = new Writer(native, tickets);
    this.#reader = new Reader(native, options.textValues);
    this.#scans = new Scans(native, options.textKeys, options.textValues);
    this.#forget = leaveAtExit(this);
  }

  set(key: Bytes, value: Bytes, expiresAt: number | undefined, durability?: Durability): Promise<void> {
    this.#beforeWrite();
    return this.#writer.set(key, value, expiresAt, this.#level(durability));
  }

  delete(key: Bytes, durability?: Durability): Promise<void> {
    this.#beforeWrite();
    return this.#writer.delete(key, this.#level(durability));
  }

  clear(range: KeyRange): Promise<void> {
    this.#beforeWrite();
    return this.#writer.clear(range, this.#durability);
  }

  batch(
    operations: readonly EngineOperation[],
    checks: readonly EngineCheck[],
    durability?: Durability,
  ): Promise<void> {
    this.#beforeWrite();
    return this.#writer.batch(operations, checks, this.#level(durability));
  }

  increment(key: Bytes, by: bigint): Promise<bigint> {
    this.#beforeWrite();
    return this.#writer.increment(key, by, this.#durability);
  }

  expire(key: Bytes, expiresAt: number | undefined): Promise<boolean> {
    this.#beforeWrite();
    return this.#writer.expire(key, expiresAt, this.#durability);
  }

  getSync(key: Bytes): Raw | undefined {
    this.#beforeRead();
    return this.#reader.get(key);
  }

  getEntrySync(key: Bytes): { value: Raw; expiresAt?: number } | undefined {
    this.#beforeRead();
    return this.#reader.getEntry(key);
  }

  hasSync(key: Bytes): boolean {
    this.#beforeRead();
    return this.#reader.has(key);
  }

  getManySync(keys: readonly Bytes[]): (Raw | undefined)[] {
    this.#beforeRead();
    return this.#reader.getMany(keys);
  }

  countSync(range: KeyRange): number {
    this.#beforeRead();
    try {
      return this.native.count(range.start, range.end);
    } catch (error) {
      throw nativeError(error);
    }
  }

  scanSync(range: KeyRange, parts: ScanParts, reverse: boolean): EngineScan {
    this.#beforeRead();
    return this.#scans.open(range, parts, reverse);
  }

  get(key: Bytes): Promise<Raw | undefined> {
    this.#refuseIfClosed();
    if (this.#waitingReads.size === 0) queueMicrotask(this.#answerReads);
    return this.#waitingReads.add(key);
  }

  // These are memory reads: a promise of their result is all there is to wait for.
  async getEntry(key: Bytes): Promise<{ value: Raw; expiresAt?: number } | undefined> {
    return this.getEntrySync(key);
  }

  async has(key: Bytes): Promise<boolean> {
    return this.hasSync(key);
  }

  async getMany(keys: readonly Bytes[]): Promise<(Raw | undefined)[]> {
    return this.getManySync(keys);
  }

  async count(range: KeyRange): Promise<number> {
    this.#beforeRead();
    try {
      return await binding().countAsync(this.native, range.start, range.end);
    } catch (error) {
      throw nativeError(error);
    }
  }

  async scan(range: KeyRange, parts: ScanParts, reverse: boolean): Promise<EngineScan> {
    this.#beforeRead();
    try {
      await binding().prepareScan(this.native);
    } catch (error) {
      throw nativeError(error);
    }
    return this.scanSync(range, parts, reverse);
  }

  async flush(): Promise<void> {
    this.#beforeRead();
    return this.#settled(() => this.native.flush());
  }

  stats(): Stats {
    this.#beforeRead();
    try {
      const { lastError, ...figures } = this.native.stats();
      return { ...figures, ...(lastError ? { lastError: nativeError(lastError) } : {}) } as Stats;
    } catch (error) {
      throw nativeError(error);
    }
  }

  close(): Promise<void> {
    // Whoever closes again waits with the first; that it failed is the first one's to hear.
    if (this.#closing) return this.#closing.catch(() => {});
    this.#answerReads();
    this.#writer.submit();
    this.#scans.closeAll();
    this.#forget();
    this.#closing = this.#settled(() => this.native.close());
    return this.#closing;
  }

  /** The thread ends: what the slab holds is submitted. */
  leave(): void {
    this.#writer.submit();
  }

  #level(durability: Durability | undefined): number {
    return durability === undefined ? this.#durability : DURABILITIES[durability];
  }

  #refuseIfClosed(): void {
    if (this.#closing) throw notOpenError(this.url);
  }

  #beforeWrite(): void {
    this.#refuseIfClosed();
    if (this.#waitingReads.size > 0) this.#answerReads();
  }

  #beforeRead(): void {
    this.#refuseIfClosed();
    this.#writer.submit();
  }

  readonly #answerReads = (): void => {
    if (this.#waitingReads.size === 0) return;
    this.#writer.submit();
    this.#waitingReads.answer(this.#reader);
  };

  async #settled(call: () => number): Promise<void> {
    try {
      await this.#tickets.promise(call());
    } catch (error) {
      throw nativeError(error);
    }
  }
}

function nativeOptions(options: EngineOpenOptions): NativeOpenOptions {
  const { durability = 'disk', textKeys, textValues, createIfMissing = true } = options;
  const { maxPendingBytes, ioConcurrency, file } = options;
  const { segmentBytes } = (file ?? {}) as { segmentBytes?: number };
  return {
    durability: DURABILITIES[durability],
    textKeys,
    textValues,
    createIfMissing,
    ...(maxPendingBytes === undefined ? {} : { maxPendingBytes }),
    ...(ioConcurrency === undefined ? {} : { ioConcurrency }),
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  };
}
