import type {
  Bytes,
  EngineCheck,
  EngineDumpOptions,
  EngineLoadOptions,
  EngineOpenOptions,
  EngineOperation,
  EngineScan,
  EngineStore,
  KeyRange,
  Raw,
  ScanParts,
} from '../engine.js';
import { HitError, nativeError, notOpenError } from '../errors.js';
import type { Capabilities, Durability, ProgressOptions, Stats, VerifyReport } from '../types.js';
import {
  binding,
  type NativeFailure,
  type NativeOpenOptions,
  type NativeOutcome,
  type NativeStore,
} from './binding.js';
import { leaveAtExit } from './exit.js';
import { LongCalls, type Start } from './long.js';
import { type OnDisk, Reader, WaitingReads } from './reads.js';
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
  readonly #longCalls: LongCalls;
  readonly #forget: () => void;
  #closing: Promise<void> | undefined;

  constructor(native: NativeStore, tickets: Tickets, options: EngineOpenOptions) {
    this.native = native;
    this.url = native.url;
    this.supports = Object.freeze({ ...native.supports }) as unknown as Capabilities;
    this.#durability = DURABILITIES[options.durability ?? 'disk'];
    this.#tickets = tickets;
    this.#writer = new Writer(native, tickets);
    this.#reader = new Reader(native, options.textValues, onDisk(native.url, options));
    this.#scans = new Scans(native, options.textKeys, options.textValues);
    this.#longCalls = new LongCalls(tickets);
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

  async getEntry(key: Bytes): Promise<{ value: Raw; expiresAt?: number } | undefined> {
    this.#beforeRead();
    return this.#reader.readEntry(key);
  }

  async has(key: Bytes): Promise<boolean> {
    this.#beforeRead();
    return this.#reader.readHas(key);
  }

  async getMany(keys: readonly Bytes[]): Promise<(Raw | undefined)[]> {
    this.#beforeRead();
    return this.#reader.readMany(keys);
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
    const scan = await this.#scans.openLater(range, parts, reverse, this.#reader.mayWaitForKeys);
    await scan.ready?.();
    return scan;
  }

  async load(
    file: string | undefined,
    options: EngineLoadOptions,
  ): Promise<{ loaded: number; skipped: number }> {
    const { format, skipBad, jsonValues } = options;
    const asked = { skipBad, jsonValues, ...(format === undefined ? {} : { format }) };
    return loaded(
      await this.#long(
        'load',
        (wantsProgress) => binding().load(this.native, file, asked, wantsProgress),
        options,
      ),
    );
  }

  async dump(
    file: string | undefined,
    { start, end }: KeyRange,
    options: EngineDumpOptions,
  ): Promise<{ dumped: number }> {
    const { dumped = 0 } = await this.#long(
      'dump',
      (wantsProgress) => binding().dump(this.native, file, options.format, start, end, wantsProgress),
      options,
    );
    return { dumped };
  }

  async loadStore(
    source: EngineStore,
    { start, end }: KeyRange,
    options: ProgressOptions,
  ): Promise<{ loaded: number; skipped: number }> {
    if (!(source instanceof NativeEngine)) throw notNativeError(source.url);
    source.#beforeRead();
    return loaded(
      await this.#long(
        'load',
        (wantsProgress) => binding().loadStore(this.native, source.native, start, end, wantsProgress),
        options,
      ),
    );
  }

  async compact(): Promise<void> {
    await this.#long('compact', () => binding().compact(this.native));
  }

  async refresh(): Promise<void> {
    await this.#long('refresh', () => binding().refresh(this.native));
  }

  async verify(options: ProgressOptions): Promise<VerifyReport> {
    return verified(
      await this.#long('verify', (wantsProgress) => binding().verify(this.native, wantsProgress), options),
    );
  }

  async backup(folder: string, options: ProgressOptions): Promise<void> {
    await this.#long(
      'backup',
      (wantsProgress) => binding().backup(this.native, folder, wantsProgress),
      options,
    );
  }

  async flush(): Promise<void> {
    this.#beforeRead();
    return this.#settled(() => this.native.flush());
  }

  stats(): Stats {
    this.#beforeRead();
    try {
      return withErrors(this.native.stats()) as Stats;
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
    this.#longCalls.abort();
    this.#forget();
    this.#closing = this.#settled(() => this.native.close());
    return this.#closing;
  }

  /** The thread ends: what the slab holds is submitted. */
  leave(): void {
    this.#writer.submit();
    this.#longCalls.leave();
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

  /** Runs a call on a thread of its own; it sees every write before it. */
  async #long(name: string, start: Start, options?: ProgressOptions): Promise<NativeOutcome> {
    this.#beforeRead();
    try {
      return await this.#longCalls.run(name, start, options);
    } catch (error) {
      const closed = this.#closing && HitError.is(error) && error.code === 'HIT_ABORTED';
      throw closed && !options?.signal?.aborted ? notOpenError(this.url) : error;
    }
  }

  async #settled(call: () => number): Promise<void> {
    try {
      await this.#tickets.promise(call());
    } catch (error) {
      throw nativeError(error);
    }
  }
}

/** Checks a store that is not open, or cannot be opened. */
export async function verifyNative(url: string, options: ProgressOptions): Promise<VerifyReport> {
  const tickets = new Tickets();
  const start: Start = (wantsProgress) => binding().verifyClosed(url, wantsProgress, tickets.settle);
  return verified(await new LongCalls(tickets).run('verify', start, options));
}

/** What only works where the addon has the store. */
export function notNativeError(url: string): HitError {
  return new HitError(
    'HIT_UNSUPPORTED',
    `${url} does not run on the native engine: open it without HITKV_ENGINE`,
  );
}

/** What failed, as errors of ours. */
function withErrors(figures: object): object {
  const shown = Object.entries(figures).map(([name, figure]) => {
    if (figure instanceof Error) return [name, nativeError(figure)];
    return [name, name === 'rocksdb' ? withErrors(figure as object) : figure];
  });
  return Object.fromEntries(shown);
}

function loaded({ loaded = 0, skipped = 0 }: NativeOutcome): { loaded: number; skipped: number } {
  return { loaded, skipped };
}

function verified({ problems = [], bytes = 0 }: NativeOutcome): VerifyReport {
  return { ok: problems.length === 0, bytes, problems: problems as VerifyReport['problems'] };
}

function onDisk(url: string, { maxMemoryBytes }: EngineOpenOptions): OnDisk {
  if (url.startsWith('rocksdb:')) return 'keys and values';
  return maxMemoryBytes === undefined ? 'nothing' : 'values';
}

function nativeOptions(options: EngineOpenOptions): NativeOpenOptions {
  const { durability = 'disk', textKeys, textValues, createIfMissing = true, readOnly = false } = options;
  const { maxPendingBytes, maxMemoryBytes, ioConcurrency, file, rocksdb } = options;
  const { segmentBytes, compaction } = (file ?? {}) as { segmentBytes?: number; compaction?: boolean };
  return {
    durability: DURABILITIES[durability],
    textKeys,
    textValues,
    createIfMissing,
    readOnly,
    ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
    ...(maxPendingBytes === undefined ? {} : { maxPendingBytes }),
    ...(ioConcurrency === undefined ? {} : { ioConcurrency }),
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
    ...(compaction === undefined ? {} : { compaction }),
    ...(rocksdb === undefined ? {} : { rocksdb }),
  };
}
