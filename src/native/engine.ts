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
import { nativeError, notOpenError } from '../errors.js';
import type { Capabilities, Durability, Stats } from '../types.js';
import { binding, type NativeFailure, type NativeOpenOptions, type NativeStore } from './binding.js';
import { leaveAtExit } from './exit.js';
import { Reader, WaitingReads } from './reads.js';
import { Scans } from './scan.js';
import * as slab from './slab.js';
import { Tickets } from './tickets.js';
import { Turn } from './turn.js';

const DURABILITIES: Record<Durability, number> = { memory: 0, os: 1, disk: 2 };

/** Opens a store through the addon. */
export async function openNative(url: string, options: EngineOpenOptions): Promise<NativeEngine> {
  const tickets = new Tickets();
  const { onError } = options;
  const hear = onError
    ? (failure: NativeFailure) => onError(nativeError(failure) as Parameters<typeof onError>[0])
    : null;
  try {
    const native = await binding().open(url, nativeOptions(options), tickets.settle, hear);
    return new NativeEngine(native, tickets, options);
  } catch (error) {
    throw nativeError(error);
  }
}

/**
 * A store in the addon. Writes go into the slab and from there, one native call a turn, into the store: in a
 * microtask, when the slab is full, or when a read needs them. Reads of one turn are made together, too.
 */
export class NativeEngine implements EngineStore {
  readonly kind = 'native';
  readonly url: string;
  readonly supports: Readonly<Capabilities>;
  /** The addon's own object, for what is started on top of it. */
  readonly native: NativeStore;

  readonly #tickets: Tickets;
  readonly #durability: number;
  readonly #slab = new slab.Slab();
  readonly #reader: Reader;
  readonly #waitingReads = new WaitingReads();
  readonly #scans: Scans;
  readonly #stay: () => void;

  /** The turn that the slab's operations belong to, and all turns of this turn of the event loop, by durability. */
  #turn: Turn | undefined;
  #turns: Turn[] = [];
  #closing: Promise<void> | undefined;

  constructor(native: NativeStore, tickets: Tickets, options: EngineOpenOptions) {
    this.native = native;
    this.url = native.url;
    this.supports = Object.freeze({ ...native.supports }) as unknown as Capabilities;
    this.#tickets = tickets;
    this.#durability = DURABILITIES[options.durability ?? 'disk'];
    this.#reader = new Reader(native, options.textValues);
    this.#scans = new Scans(native, options.textKeys, options.textValues);
    this.#stay = leaveAtExit(this);
  }

  set(
    key: Bytes,
    value: Bytes,
    expiresAt: number | undefined,
    durability: Durability | undefined,
  ): Promise<void> {
    const turn = this.#write(durability);
    if (!this.#slab.fits(key, value)) this.#makeRoom(key, value);
    if (expiresAt === undefined) this.#slab.add(slab.SET, key, value);
    else this.#slab.addWithInteger(slab.SET | slab.EXPIRY, key, value, low(expiresAt), high(expiresAt));
    if (this.#slab.grown) this.#submit();
    return turn.promise;
  }

  delete(key: Bytes, durability: Durability | undefined): Promise<void> {
    const turn = this.#write(durability);
    if (!this.#slab.fits(key, '')) this.#submit();
    this.#slab.add(slab.DELETE, key, '');
    return turn.promise;
  }

  clear(range: KeyRange): Promise<void> {
    this.#beginAlone();
    const { start, end } = range;
    if (end === null) this.#slab.add(slab.DELETE_RANGE, start, '');
    else this.#slab.add(slab.DELETE_RANGE | slab.END, start, end);
    return this.#submitAlone((words, wordCount, bytes, byteCount) =>
      this.native.submit(words, wordCount, bytes, byteCount, this.#durability),
    );
  }

  batch(
    operations: readonly EngineOperation[],
    checks: readonly EngineCheck[],
    durability: Durability | undefined,
  ): Promise<void> {
    this.#beginAlone();
    for (const check of checks) {
      if ('equals' in check) this.#addToBatch(slab.CHECK_EQUALS, check.key, check.equals);
      else this.#addToBatch(check.exists ? slab.CHECK_EXISTS : slab.CHECK_ABSENT, check.key, '');
    }
    for (const operation of operations) {
      if (operation.type === 'delete') this.#addToBatch(slab.DELETE, operation.key, '');
      else this.#addSetToBatch(operation);
    }
    return this.#submitBatch(durability);
  }

  async increment(key: Bytes, by: bigint): Promise<bigint> {
    this.#beginAlone();
    this.#slab.addWithInteger(slab.INCREMENT, key, '', lowOf(by), highOf(by));
    const { words } = this.#slab;
    const settled = this.#submitBatch(undefined);
    // What the addon left is read before anything else uses the slab. Where it refused, `settled` rejects.
    const result = BigInt.asIntN(64, (BigInt(words[1] as number) << 32n) | BigInt(words[0] as number));
    await settled;
    return result;
  }

  async expire(key: Bytes, expiresAt: number | undefined): Promise<boolean> {
    this.#beginAlone();
    if (expiresAt === undefined) this.#slab.add(slab.EXPIRE, key, '');
    else this.#slab.addWithInteger(slab.EXPIRE | slab.EXPIRY, key, '', low(expiresAt), high(expiresAt));
    const { words } = this.#slab;
    const settled = this.#submitBatch(undefined);
    const done = words[0] === 1;
    await settled;
    return done;
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
    if (this.#closing) throw notOpenError(this.url);
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

  flush(): Promise<void> {
    this.#beforeRead();
    return this.#promise(() => this.native.flush());
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
    this.#submit();
    this.#scans.closeAll();
    this.#stay();
    this.#closing = this.#promise(() => this.native.close());
    return this.#closing;
  }

  /** The thread ends: what is accepted reaches the operating system. */
  leave(): void {
    this.#submit();
    this.native.drain();
  }

  /** Begins a write in the shared turn of its durability. */
  #write(durability: Durability | undefined): Turn {
    if (this.#closing) throw notOpenError(this.url);
    if (this.#waitingReads.size > 0) this.#answerReads();
    const level = durability === undefined ? this.#durability : DURABILITIES[durability];
    if (this.#turn?.durability === level) return this.#turn;
    return this.#switchTurn(level);
  }

  #switchTurn(durability: number): Turn {
    this.#submit();
    if (this.#turns.length === 0) queueMicrotask(this.#endTurns);
    let turn = this.#turns.find((one) => one.durability === durability);
    if (turn === undefined) {
      turn = new Turn(durability);
      this.#turns.push(turn);
    }
    this.#turn = turn;
    return turn;
  }

  readonly #endTurns = (): void => {
    this.#submit();
    const turns = this.#turns;
    this.#turn = undefined;
    this.#turns = [];
    for (const turn of turns) turn.end();
  };

  readonly #answerReads = (): void => {
    if (this.#waitingReads.size === 0) return;
    this.#submit();
    this.#waitingReads.answer(this.#reader);
  };

  #beforeRead(): void {
    if (this.#closing) throw notOpenError(this.url);
    if (this.#slab.wordCount > 0) this.#submit();
  }

  /** Hands the slab's operations over. A refusal is the turn's to tell. */
  #submit(): void {
    const { wordCount } = this.#slab;
    if (wordCount === 0 || this.#turn === undefined) return;
    this.#slab.finish();
    const { words, bytes, byteCount } = this.#slab;
    try {
      const ticket = this.native.submit(words, wordCount, bytes, byteCount, this.#turn.durability);
      this.#turn.accepted(ticket, this.#tickets);
    } catch (error) {
      this.#turn.refused(error);
    } finally {
      this.#slab.clear();
    }
  }

  /** Empties the slab for an operation that has no room, and enlarges it where even that is not enough. */
  #makeRoom(key: Bytes, value: Bytes): void {
    this.#submit();
    if (!this.#slab.fits(key, value)) this.#slab.grow(key, value);
  }

  /** Empties the slab for a group of its own, behind everything accepted before. */
  #beginAlone(): void {
    if (this.#closing) throw notOpenError(this.url);
    if (this.#waitingReads.size > 0) this.#answerReads();
    this.#submit();
  }

  #addToBatch(kind: number, key: Bytes, value: Bytes): void {
    if (!this.#slab.fits(key, value)) this.#slab.grow(key, value);
    this.#slab.add(kind, key, value);
  }

  #addSetToBatch({ key, value, expiresAt, keepExpiry }: Extract<EngineOperation, { type: 'set' }>): void {
    if (expiresAt === undefined) {
      this.#addToBatch(keepExpiry ? slab.SET | slab.KEEP_EXPIRY : slab.SET, key, value);
      return;
    }
    if (!this.#slab.fits(key, value)) this.#slab.grow(key, value);
    this.#slab.addWithInteger(slab.SET | slab.EXPIRY, key, value, low(expiresAt), high(expiresAt));
  }

  #submitBatch(durability: Durability | undefined): Promise<void> {
    if (this.#slab.wordCount === 0) return Promise.resolve();
    const level = durability === undefined ? this.#durability : DURABILITIES[durability];
    return this.#submitAlone((words, wordCount, bytes, byteCount) =>
      this.native.submitBatch(words, wordCount, bytes, byteCount, level),
    );
  }

  #submitAlone(
    submit: (words: Uint32Array, wordCount: number, bytes: Uint8Array, byteCount: number) => number,
  ): Promise<void> {
    this.#slab.finish();
    const { words, wordCount, bytes, byteCount } = this.#slab;
    try {
      return this.#promise(() => submit(words, wordCount, bytes, byteCount));
    } finally {
      this.#slab.clear();
    }
  }

  #promise(call: () => number): Promise<void> {
    try {
      return this.#tickets.promise(call());
    } catch (error) {
      return Promise.reject(nativeError(error));
    }
  }
}

function nativeOptions(options: EngineOpenOptions): NativeOpenOptions {
  const {
    durability = 'disk',
    textKeys,
    textValues,
    createIfMissing = true,
    maxPendingBytes,
    ioConcurrency,
    file,
  } = options;
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

/** The low and the high 32 bits of an expiry, which is no larger than 2^53-1, and of a counter's step. */
const low = (moment: number): number => moment >>> 0;
const high = (moment: number): number => Math.floor(moment / 2 ** 32);
const lowOf = (step: bigint): number => Number(BigInt.asUintN(32, step));
const highOf = (step: bigint): number => Number(BigInt.asUintN(32, step >> 32n));
