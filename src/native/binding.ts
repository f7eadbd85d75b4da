/**
 * The addon as TypeScript sees it. This is the only file that knows the generated binding; `slab.ts` documents the
 * buffers that the raw functions share.
 */
import { createRequire } from 'node:module';
import { HitError } from '../errors.js';
import type { Progress, RocksDbOptions } from '../types.js';

/** A failure on its way out of the addon; `nativeError` in `errors.ts` makes it an error with a code. */
export interface NativeFailure {
  code: string;
  message: string;
  retryable: boolean;
  keys?: string[];
}

/** What the addon is told at open. Sizes in bytes. */
export interface NativeOpenOptions {
  durability: number;
  textKeys: boolean;
  textValues: boolean;
  createIfMissing: boolean;
  readOnly: boolean;
  maxMemoryBytes?: number;
  maxPendingBytes?: number;
  ioConcurrency?: number;
  segmentBytes?: number;
  compaction?: boolean;
  rocksdb?: RocksDbOptions;
}

/**
 * Settles tickets: `done` have succeeded, `failed` alternates a ticket and its failure. Those of `told` have got further;
 * they may be settled by the same call, or have been by an earlier one.
 */
export type Settle = (done: number[], failed: (number | NativeFailure)[], told: number[]) => void;

/**
 * One handle of a store. The functions that take buffers are raw: they read and write the handle's slab without
 * an argument of their own for it. Durability: 0 memory, 1 os, 2 disk, -1 the handle's own.
 *
 * A ticket is a positive number that `Settle` names later; 0 means settled already. Raw functions throw a
 * `NativeFailure`-shaped `Error`.
 */
export interface NativeStore {
  readonly url: string;
  readonly supports: Record<string, unknown>;
  /** Accepts the operations in the first bytes of this buffer, in the form of `operation.ts`, as one group. */
  submit(bytes: Uint8Array, byteCount: number, durability: number): number;
  /** The same as one atomic batch with checks; it may be one counter or expiry operation, whose answer is left in `bytes`. */
  submitBatch(bytes: Uint8Array, byteCount: number, durability: number): number;
  /** The value under the key in the first bytes of `bytes`. */
  get(bytes: Uint8Array, keyBytes: number): string | Uint8Array | undefined;
  /** The same with its expiry (undefined: none), or undefined. */
  getEntry(bytes: Uint8Array, keyBytes: number): [string | Uint8Array, number | undefined] | undefined;
  has(bytes: Uint8Array, keyBytes: number): boolean;
  /**
   * Reads `count` keys, their lengths in `words`, their bytes in `bytes`, at one moment or each at some moment of the call,
   * so that no writer on another thread keeps it waiting. Leaves lengths of values in `words`
   * (0xffffffff: absent) and the values joined in `out`. Returns 1 where everything is ASCII, 0 where not, or, where `out`
   * is too small and nothing was left, minus the bytes it needs.
   */
  getMany(
    words: Uint32Array,
    count: number,
    bytes: Uint8Array,
    out: Uint8Array,
    atOneMoment: boolean,
  ): number;
  count(start: Uint8Array, end: Uint8Array | null): number;
  /** Opens a scan; `parts`: 1 keys, 2 values, 3 both. */
  scan(start: Uint8Array, end: Uint8Array | null, parts: number, reverse: boolean): number;
  /**
   * Reads the next page of at most `limit` entries: pairs of lengths (key, value; 0 for a part not asked for) in `words`,
   * the parts joined in `out`. Returns the number of entries, plus 0x40000000 where everything is ASCII, 0x20000000 where the
   * next page has to wait for the disk, 0x10000000 where `scanAhead` has something to read; 0 is the end; minus the bytes it
   * needs where `out` cannot hold the first entry.
   */
  scanPage(scan: number, words: Uint32Array, limit: number, out: Uint8Array): number;
  /** Reads on another thread what comes behind the entries at hand; undefined where that is done or being done. Never rejects. */
  scanAhead(scan: number): Promise<void> | undefined;
  scanClose(scan: number): void;
  /** A ticket that settles when everything accepted is on disk; fails with what failed unseen. */
  flush(): number;
  stats(): Record<string, unknown>;
  /** A ticket that settles when the handle is closed; 0 where it was already. */
  close(): number;
}

/** Values as `getMany` leaves them: lengths in `words`, the bytes joined in `out`; expiries, NaN for none. */
export interface NativeValues {
  words: Uint32Array;
  out: Buffer;
  expiries: Float64Array;
  ascii: boolean;
}

/** How a store is loaded. Without a format the name of the source tells it. */
export interface NativeLoadOptions {
  format?: string;
  skipBad: boolean;
  jsonValues: boolean;
}

/** What a long call answers: the members it has. */
export interface NativeOutcome {
  loaded?: number;
  skipped?: number;
  dumped?: number;
  bytes?: number;
  problems?: { file: string; offset: number; code: string; message: string }[];
}

/** A call on a thread of its own. Its ticket is told of at most 20 times a second, where progress was asked for. */
export interface NativeCall {
  readonly ticket: number;
  progress(): Progress;
  /** What it has answered, once, after its ticket has settled. */
  takeOutcome(): NativeOutcome;
  /** Has it end with `HIT_ABORTED`. */
  abort(): void;
  /** The same at the end of the thread, with a moment for it to remove what it has half made. */
  leave(): void;
}

/** What runs behind `hitkv serve`. */
export interface NativeServer {
  /** The address HTTP answers on, `host:port`, or null. */
  readonly http: string | null;
  /** Answers what has been read, then stops. */
  stop(): Promise<void>;
}

/** The generated binding. */
export interface Binding {
  version(): string;
  open(
    url: string,
    options: NativeOpenOptions,
    settle: Settle,
    onError: ((failure: NativeFailure) => void) | null,
  ): Promise<NativeStore>;
  /**
   * Blocks until everything that any file store of the process has accepted is with the operating system, of closing
   * and collected stores too. For the end of a thread.
   */
  drainAll(): void;
  /** Counts off the thread. */
  countAsync(store: NativeStore, start: Uint8Array, end: Uint8Array | null): Promise<number>;
  /** Reads keys, given and answered as for `getMany`, off the thread; null where nothing of theirs is on disk. */
  readFromDisk(
    store: NativeStore,
    words: Uint32Array,
    count: number,
    bytes: Uint8Array,
    textValues: boolean,
  ): Promise<NativeValues> | null;
  /** Opens a scan off the thread; null where that takes too little to be worth it. As the store's own `scan` otherwise. */
  scanLater(
    store: NativeStore,
    start: Uint8Array,
    end: Uint8Array | null,
    parts: number,
    reverse: boolean,
  ): Promise<number> | null;
  compact(store: NativeStore): NativeCall;
  refresh(store: NativeStore): NativeCall;
  verify(store: NativeStore, wantsProgress: boolean): NativeCall;
  /** Checks a store that is not open; `settle` hears of this call only. */
  verifyClosed(url: string, wantsProgress: boolean, settle: Settle): NativeCall;
  backup(store: NativeStore, folder: string, wantsProgress: boolean): NativeCall;
  /** From the standard input where `source` is undefined. */
  load(
    store: NativeStore,
    source: string | undefined,
    options: NativeLoadOptions,
    wantsProgress: boolean,
  ): NativeCall;
  loadStore(
    store: NativeStore,
    source: NativeStore,
    start: Uint8Array,
    end: Uint8Array | null,
    wantsProgress: boolean,
  ): NativeCall;
  /** To the standard output where `target` is undefined. */
  dump(
    store: NativeStore,
    target: string | undefined,
    format: string | undefined,
    start: Uint8Array,
    end: Uint8Array | null,
    wantsProgress: boolean,
  ): NativeCall;
  serve(store: NativeStore, options: { http?: string }): Promise<NativeServer>;
}

let loaded: Binding | undefined;

/** Loads the addon, once. */
export function binding(): Binding {
  if (loaded) return loaded;
  try {
    loaded = createRequire(import.meta.url)('#native') as Binding;
  } catch (cause) {
    throw new HitError(
      'HIT_UNSUPPORTED',
      `the native engine did not load on ${process.platform} ${process.arch}: ${(cause as Error).message}; build it with "npm run build"`,
      { cause },
    );
  }
  return loaded;
}
