/// <reference lib="esnext.disposable" preserve="true" />
import type { HitError } from './errors.js';

/**
 * What an answered write survives. `'disk'`: power loss. `'os'`: the death of this program, not of the machine.
 * `'memory'`: it is accepted; `process.exit()` in the main thread does not lose it, a kill may.
 */
export type Durability = 'disk' | 'os' | 'memory';

/** 1 to 2,048 bytes; a string and its UTF-8 bytes are one key. Keys are ordered by their bytes. */
export type Key = string | Uint8Array;

/** How a store is opened. Unknown members are refused, `undefined` ones count as left out. */
export interface OpenOptions {
  /** What values are: text, bytes, or whatever JSON can say. Default `'utf8'`. */
  valueEncoding?: 'utf8' | 'binary' | 'json';
  /** How keys come back; as text, keys that are not UTF-8 are refused. Default `'utf8'`. */
  keyEncoding?: 'utf8' | 'binary';
  /** What an answered write survives, unless the write says otherwise. Default `'disk'`. */
  durability?: Durability;
  /** Loads everything into memory at open. Not built yet: `HIT_UNSUPPORTED`. */
  resident?: boolean;
  /**
   * Opens a folder without its lock, also while another program writes to it, and never changes anything in it; a store
   * that does not exist is not made. Reads see the moment of opening until `refresh`; writes are `HIT_UNSUPPORTED`. Not for
   * `memory:`. Default false.
   */
  readOnly?: boolean;
  /** Whether a store that does not exist is made; else that is `HIT_CONFIG`. Default true. */
  createIfMissing?: boolean;
  /**
   * Writer lanes: groups that a storage writes side by side. A log has one, whatever is asked for; `stats().lanes` tells.
   * Default for RocksDB: 1.
   */
  ioConcurrency?: number;
  /** Bytes accepted but not yet written, past which promises wait for the backlog. Default 64 MiB. */
  maxPendingBytes?: number;
  /**
   * So many bytes of values of 256 bytes and more are kept in memory; the others are read from disk, checked against their
   * checksums. Keys and shorter values are always in memory. It belongs to the store, so a second `open` with another
   * figure is `HIT_CONFIG`. Not for `memory:` and `rocksdb:` (which has `rocksdb.memoryBytes`), and not yet together with
   * `readOnly` (`HIT_UNSUPPORTED`). Default: all.
   */
  maxMemoryBytes?: number;
  /** How long a remote storage may take, in milliseconds. Local stores do not need it. */
  timeoutMs?: number;
  /** Hears of failures found after a write was acknowledged. */
  onError?: (error: HitError) => void;
  /** Ends the opening with `HIT_ABORTED`. */
  signal?: AbortSignal;
  /**
   * For file stores: `segmentBytes`, the size of a log's segments, 64 KiB to 1 GiB (default 64 MiB); `compaction: false`
   * leaves the space of dead entries to `compact()`.
   */
  file?: object;
  /** For RocksDB stores. They belong to the store, so a second `open` with others is `HIT_CONFIG`. */
  rocksdb?: RocksDbOptions;
  /** For Postgres. */
  postgres?: object;
  /** For Cassandra. */
  cassandra?: object;
}

/** What a RocksDB store has besides; `docs/rocksdb.md` says what each of them does to speed, space and memory. */
export interface RocksDbOptions {
  /**
   * The folder is a plain RocksDB of another program: its values are taken as they are, nothing expires (`supports.ttl` is
   * false), and nothing of ours is put beside its files. Default false.
   */
  raw?: boolean;
  /**
   * Bytes of memory for what is cached and for writes that are not in files yet, of all RocksDB stores of the process
   * together: the first that is opened decides, and another figure later is `HIT_CONFIG`. 8 MiB (8,388,608) and more.
   * Default: a quarter of what the machine or the container has, from 32 MiB to 1 GiB.
   */
  memoryBytes?: number;
  /** How the blocks of files are compressed; existing files stay as they are until they are compacted. Default `'lz4'`. */
  compression?: 'lz4' | 'none';
  /**
   * Uncompressed bytes of a block, the least that is read from disk: smaller ones for random reads of what does not fit in
   * memory, larger ones for scans and less space. 1,024 to 1,048,576; default 8,192.
   */
  blockBytes?: number;
  /** Threads that write and compact files, 1 to 64. Default: as many as processors, from 2 to 4. */
  backgroundThreads?: number;
}

/** How one write is made. Not both of `ttlMs` and `expiresAt`; without them the entry never expires. */
export interface WriteOptions {
  /** Milliseconds from now until the entry expires; positive. */
  ttlMs?: number;
  /** Unix time in milliseconds from which the entry is not seen; one in the past is seen by nobody. */
  expiresAt?: number;
  /** Default: the store's. */
  durability?: Durability;
}

/**
 * Keys between bounds, in byte order. Unknown or `undefined` members are a `TypeError`, as are two lower or two upper
 * bounds; `prefix` may stand beside others and both must hold. Bounds that cross make an empty range.
 */
export interface Range {
  /** Keys after this one. */
  gt?: Key;
  /** This key and those after it. */
  gte?: Key;
  /** Keys before this one. */
  lt?: Key;
  /** This key and those before it. */
  lte?: Key;
  /** Keys that begin with these bytes; the empty prefix is every key. */
  prefix?: Key;
}

/** What a scan walks. */
export interface ScanOptions extends Range {
  /** From the last key to the first. Default false. */
  reverse?: boolean;
  /** The most entries; 0 is none. Default `Infinity`. */
  limit?: number;
  /** Ends the scan with `HIT_ABORTED` at its next page. */
  signal?: AbortSignal;
}

/** A value and when it expires. */
export interface Entry<V> {
  /** What is stored under the key. */
  value: V;
  /** Unix time in milliseconds from which the entry is not seen; absent: never. */
  expiresAt?: number;
}

/** One member of a batch. A `set` clears an expiry unless it gives one. */
export type Operation<V> =
  | { type: 'set'; key: Key; value: V; ttlMs?: number; expiresAt?: number }
  | { type: 'delete'; key: Key };

/** A condition on the state before a batch: this very value (its encoded bytes), or whether the key is there. */
export type Check<V> = { key: Key; equals: V } | { key: Key; exists: boolean };

/**
 * Data under all keys of a store or, from `sub(prefix)`, under the keys that begin with that prefix and go on, which
 * results do not carry.
 *
 * Methods that return a promise reject it and never throw; `…Sync`, the making of an iterator, `sub` and `stats`
 * throw. All of them may answer `HIT_NOT_OPEN`, `HIT_POISONED`, `HIT_IO` and, for wrong arguments, a `TypeError` or
 * `RangeError` with code `HIT_ARGUMENT`.
 */
export interface View<V, K extends Key = string> {
  /**
   * The value under a key, or undefined. All `get`s of one turn of the event loop are read together.
   *
   * @throws `HIT_KEY_INVALID`; `HIT_VALUE_INVALID` where the stored bytes do not decode.
   */
  get(key: Key): Promise<V | undefined>;
  /** The value under a key with its expiry, or undefined. @throws as `get`. */
  getEntry(key: Key): Promise<Entry<V> | undefined>;
  /** The values under keys, in their order, read at one moment. @throws as `get`. */
  getMany(keys: readonly Key[]): Promise<(V | undefined)[]>;
  /** Whether a key is there. @throws `HIT_KEY_INVALID`. */
  has(key: Key): Promise<boolean>;

  /** `get` without a promise, where `supports.syncReads`. @throws as `get`; `HIT_UNSUPPORTED`. */
  getSync(key: Key): V | undefined;
  /** `getMany` without a promise. @throws as `getSync`. */
  getManySync(keys: readonly Key[]): (V | undefined)[];
  /** `has` without a promise. @throws `HIT_KEY_INVALID`, `HIT_UNSUPPORTED`. */
  hasSync(key: Key): boolean;
  /** `count` without a promise. @throws `HIT_KEY_INVALID`, `HIT_UNSUPPORTED`. */
  countSync(range?: Range): number;
  /**
   * Entries in key order, as they are when the first is asked for. The snapshot is released at the end, on `break`,
   * on `close` and on disposal.
   *
   * @throws as `entries`; `HIT_UNSUPPORTED`.
   * @example
   * for (const [key, value] of db.entriesSync({ prefix: 'user:' })) console.log(key, value);
   */
  entriesSync(scan?: ScanOptions): IterableIterator<[K, V]> & Disposable;
  /** Keys in order. @throws as `entriesSync`. */
  keysSync(scan?: ScanOptions): IterableIterator<K> & Disposable;
  /** Values in the order of their keys. @throws as `entriesSync`. */
  valuesSync(scan?: ScanOptions): IterableIterator<V> & Disposable;

  /**
   * Puts a value under a key; clears an expiry unless one is given. Seen by reads at once, durable when the promise
   * resolves. Writes of one turn and one durability may share a promise, which rejects if any of them failed.
   *
   * @throws `HIT_KEY_INVALID`, `HIT_VALUE_INVALID`, `HIT_VALUE_TOO_LARGE`, `HIT_DISK_FULL`.
   * @example
   * await db.set('session:7', 'ada', { ttlMs: 60_000 });
   */
  set(key: Key, value: V, options?: WriteOptions): Promise<void>;
  /**
   * Puts many values under their keys. Not atomic, but nothing is written where an argument is wrong.
   *
   * @throws as `set`.
   * @example
   * await db.setMany({ 'user:1': 'ada', 'user:2': 'grace' });
   */
  setMany(entries: Iterable<readonly [Key, V]> | Record<string, V>, options?: WriteOptions): Promise<void>;
  /** Takes a key away; an absent one is no error. @throws `HIT_KEY_INVALID`. */
  delete(key: Key, options?: { durability?: Durability }): Promise<void>;
  /** Takes keys away. Not atomic. @throws `HIT_KEY_INVALID`. */
  deleteMany(keys: readonly Key[], options?: { durability?: Durability }): Promise<void>;
  /** Gives an entry `ttlMs` milliseconds more, or, with null, no expiry; false where there is no such key. */
  expire(key: Key, ttlMs: number | null): Promise<boolean>;
  /**
   * Takes all keys of a range away at once. `clear()` is all; an empty range object and an empty prefix are refused,
   * since they are seldom meant.
   */
  clear(range?: Range): Promise<void>;
  /**
   * Makes all changes or none, also across a crash; the last one on a key wins. Nothing is changed where a check,
   * which sees the state before, does not hold.
   *
   * @throws `HIT_CONFLICT` with the keys whose checks failed; `HIT_BATCH_TOO_LARGE`; as `set`.
   * @example
   * await db.batch(
   *   [{ type: 'set', key: 'seat:1', value: 'ada' }, { type: 'delete', key: 'waiting:ada' }],
   *   { checks: [{ key: 'seat:1', exists: false }] },
   * );
   */
  batch(
    operations: readonly Operation<V>[],
    options?: { checks?: readonly Check<V>[]; durability?: Durability },
  ): Promise<void>;
  /**
   * Makes a new value of the current one and keeps the expiry; `undefined` deletes. Where another writer was faster
   * `fn` runs again, up to 100 times.
   *
   * @throws `HIT_CONFLICT` after that; what `fn` throws; as `set`.
   * @example
   * await db.update('visitors', (names) => `${names ?? ''} ada`.trim());
   */
  update(
    key: Key,
    fn: (current: V | undefined) => V | undefined | Promise<V | undefined>,
  ): Promise<V | undefined>;
  /**
   * Adds to a counter (decimal text, 0 where absent) and keeps its expiry. Default 1.
   *
   * @throws `RangeError` where the result is beyond 2^53-1 (use a bigint); `HIT_VALUE_INVALID` where the value is no
   * counter or the result is beyond 64 bits.
   */
  increment(key: Key, by?: number): Promise<number>;
  increment(key: Key, by: bigint): Promise<bigint>;

  /**
   * Entries in key order, as they are when the first is asked for. Yields to the event loop with each page. The
   * snapshot is released at the end, on `break`, on `close`, on disposal and on garbage collection.
   *
   * @throws `HIT_KEY_INVALID`, `HIT_ABORTED`, `HIT_VALUE_INVALID`.
   * @example
   * for await (const [key, value] of db.entries({ gte: 'a', lt: 'b', limit: 10 })) console.log(key, value);
   */
  entries(scan?: ScanOptions): AsyncIterableIterator<[K, V]> & AsyncDisposable;
  /** Keys in order. @throws as `entries`. */
  keys(scan?: ScanOptions): AsyncIterableIterator<K> & AsyncDisposable;
  /** Values in the order of their keys. @throws as `entries`. */
  values(scan?: ScanOptions): AsyncIterableIterator<V> & AsyncDisposable;
  /** How many keys a range has. @throws `HIT_KEY_INVALID`. */
  count(range?: Range): Promise<number>;
  /**
   * The keys under a prefix, without it. Views nest and cost nothing.
   *
   * @throws `HIT_KEY_INVALID`.
   * @example
   * const users = db.sub('user:');
   * await users.set('1', 'ada'); // the store's key is 'user:1'
   */
  sub(prefix: Key): View<V, K>;
}

/**
 * An open store: the view of all its keys, and what concerns the whole.
 *
 * `load`, `dump`, `compact`, `refresh`, `verify` and `backup` may take minutes. Each runs on a thread of its own beside
 * reads and writes, sees everything that was written before it, and keeps the program alive while it runs. `close` ends
 * those that are under way with `HIT_NOT_OPEN`.
 */
export interface Store<V, K extends Key = string> extends View<V, K>, AsyncDisposable {
  /** Where it is, without a password. */
  readonly url: string;
  /** Which engine runs it. */
  readonly engine: 'native' | 'typescript';
  /** What it can do. */
  readonly supports: Readonly<Capabilities>;
  /**
   * Reads entries in: from a file or a folder (`docs/formats.md` has the formats), from pairs of key and value, or from
   * another store with its expiries. Memory stays bounded: files are parsed a piece at a time, and an iterable is asked for
   * more only when what it gave is written. Entries replace those under their keys. Not atomic: when it rejects, the
   * entries before the failure are there, and loading again is harmless. Durable when it resolves.
   *
   * What a file holds is stored as it is, whatever the encodings of this handle are; under `valueEncoding: 'json'` a
   * `value` may be any JSON. An entry of a file that has expired counts as loaded, and nobody sees it.
   *
   * @param source A path, a `file:` URL, pairs of key and value, or an open store with the same `valueEncoding`.
   * @returns How many entries were written, and how many bad ones were left out.
   * @throws For a bad entry, which is named by file and line or by its position: `HIT_KEY_INVALID`, `HIT_VALUE_INVALID`,
   * `HIT_VALUE_TOO_LARGE`, or a `TypeError` or `HitError` with code `HIT_ARGUMENT`; `HIT_CONFIG` where there is no such
   * file; `HIT_ABORTED`; `HIT_DISK_FULL`; `HIT_UNSUPPORTED` on a store opened with `readOnly`; what an iterable or
   * `onProgress` throws.
   * @example
   * await db.load('./users.ndjson', { onProgress: ({ done }) => console.log(`${done} entries`) });
   * await db.load(new Map([['user:1', 'ada'], ['user:2', 'grace']]));
   */
  load(
    source: string | URL | AsyncIterable<readonly [Key, V]> | Iterable<readonly [Key, V]> | Store<V, Key>,
    options?: LoadOptions,
  ): Promise<{ loaded: number; skipped: number }>;
  /**
   * Writes the entries of one moment out, in key order and with their expiries: into a file, which has its name only once
   * it is whole and replaces one that was there, or into another store. Loaded again it reproduces them. Memory stays
   * bounded, and writes go on meanwhile.
   *
   * @param target A path, a `file:` URL, or an open store with the same `valueEncoding`.
   * @returns How many entries were written.
   * @throws `HIT_ARGUMENT` where the name of the file does not say its format and `format` is not given; `HIT_CONFIG`
   * where the file cannot be made; `HIT_DISK_FULL`; `HIT_ABORTED`; what `onProgress` throws.
   * @example
   * await db.dump('./users.csv', { prefix: 'user:' });
   */
  dump(target: string | URL | Store<V, Key>, options?: DumpOptions): Promise<{ dumped: number }>;
  /** Resolves when everything accepted is on disk, whatever its durability; rejects with what failed unseen. */
  flush(): Promise<void>;
  /**
   * Gives the space of everything that was deleted, replaced or has expired back at once: on disk, and in memory. Stores do
   * this by themselves in the background, so it is seldom needed. Reads and writes go on meanwhile; nothing is
   * lost where it is interrupted.
   *
   * @throws `HIT_DISK_FULL`; `HIT_UNSUPPORTED` on a store opened with `readOnly`.
   */
  compact(): Promise<void>;
  /**
   * Moves a store that was opened with `readOnly` on to what has been written since; what was acknowledged before is in it.
   * Reads go on meanwhile and see one write after the other; scans that are open stay at their moment. Where it rejects,
   * what was read up to the failure is seen, and it can be called again.
   *
   * @throws `HIT_UNSUPPORTED` on any other store, whose reads see every write anyway; `HIT_CONFIG` where another store, or
   * an older copy, lies in the folder now; `HIT_CORRUPTION`; `HIT_UNAVAILABLE` where files are replaced faster than they
   * can be opened; `HIT_BUSY` on RocksDB while a scan of this handle is open; `HIT_IO`.
   * @example
   * const reader = await open('./data', { readOnly: true });
   * setInterval(() => reader.refresh(), 1_000);
   */
  refresh(): Promise<void>;
  /** Figures of this moment. */
  stats(): Stats;
  /**
   * Reads everything that the store has on disk and checks it (of RocksDB the tables, not its log); `memory:` has nothing
   * to check. Damage is no error: the report names it. For a store that does not open there is the function `verify`.
   *
   * @throws `HIT_IO` where it cannot be read at all; `HIT_ABORTED`; what `onProgress` throws.
   */
  verify(options?: ProgressOptions): Promise<VerifyReport>;
  /**
   * Makes a store of its own of this one as it is at one moment, in a folder that is empty or does not exist yet. Writes go
   * on meanwhile. Files that do not change any more are linked where that is possible, so they take no space twice.
   *
   * @param folder A path or a `file:` URL.
   * @throws `HIT_CONFIG` where the folder is not empty; `HIT_DISK_FULL`; `HIT_ABORTED`; `HIT_UNSUPPORTED` where
   * `supports.backup` is false; what `onProgress` throws. What was made is removed then, but for empty folders, and a
   * backup that was killed opens as no store.
   * @example
   * await db.backup('./backups/today');
   * const copy = await open('./backups/today', { readOnly: true });
   */
  backup(folder: string | URL, options?: ProgressOptions): Promise<void>;
  /** Flushes and lets go of the store; scans and long calls end with `HIT_NOT_OPEN`. Again: nothing happens. */
  close(): Promise<void>;
}

/** What a kind of store can do. */
export interface Capabilities {
  /** `getSync` and its like answer. */
  syncReads: boolean;
  /** Scans come in key byte order. */
  orderedScans: boolean;
  /** Scans see one moment. */
  snapshots: boolean;
  /** How much of a batch takes effect as one. */
  atomicBatch: 'all' | 'partition' | 'none';
  /** Batches with checks, `update`, `increment`, `expire`. */
  checks: boolean;
  /** Entries can expire. */
  ttl: boolean;
  /** `backup` into a folder. */
  backup: boolean;
  /** Several worker threads of one process share one store. */
  workers: boolean;
  /** The longest value, in bytes. */
  maxValueBytes: number;
}

/** How far a long call has come. */
export interface Progress {
  /** Entries of `load` and `dump`, bad ones included; files of `verify` and `backup`. */
  done: number;
  /** How many there are in all, where that is known. */
  total?: number;
  /** Bytes read or written; of a backup those that were copied, since linked files need no copying. */
  bytes: number;
}

/** How a call that may take long tells of itself, and is ended. */
export interface ProgressOptions {
  /**
   * Hears how far the call has come, at most 20 times a second and once at its end. It runs on the caller's thread; what it
   * throws ends the call, which rejects with it; a file or backup that was whole by then stays.
   */
  onProgress?: (progress: Progress) => void;
  /** Ends the call with `HIT_ABORTED`, whose cause is the signal's reason. */
  signal?: AbortSignal;
}

/** How entries are read in. */
export interface LoadOptions extends ProgressOptions {
  /** What a file is; files only. Default: what its name says (`.ndjson`, `.jsonl`, `.csv`, `.json`; a folder is Go-Hit's). */
  format?: 'ndjson' | 'csv' | 'go-hit';
  /** Leaves bad entries out and counts them, instead of ending at the first. Default false. */
  skipBad?: boolean;
}

/** Which entries are written out, and how. */
export interface DumpOptions extends Range, ProgressOptions {
  /** What the file is to be; files only. Default: what its name says (`.ndjson`, `.jsonl`, `.csv`). */
  format?: 'ndjson' | 'csv';
}

/** Figures of one moment; a kind of store may add its own. */
export interface Stats {
  /** Live entries; of a RocksDB store, about. */
  entries: number;
  /** Writer lanes. */
  lanes: number;
  /** Bytes accepted and not yet written. */
  pendingBytes: number;
  /** Bytes that the table, or a storage, takes in memory. */
  memoryBytes: number;
  /** Bytes that the store's files take on disk. */
  diskBytes: number;
  /** Age of the oldest snapshot a scan holds, 0 without one: what grows here is a scan nobody ended. */
  oldestSnapshotMs: number;
  /** The last failure found after a write was acknowledged. */
  lastError?: HitError;
  /** What one kind of store has besides; `docs/operations.md` says what each figure means. */
  [more: string]: unknown;
}

/** What `verify` found. */
export interface VerifyReport {
  /** Everything is as it was written: there are no problems. */
  ok: boolean;
  /** Bytes that were read. */
  bytes: number;
  /** Each damage: the file, the first byte in it that is not right, what `open` would answer, and what is affected. */
  problems: { file: string; offset: number; code: ErrorCode; message: string }[];
}

/** What kind of failure an error is; `docs/errors.md` has each with cause and remedy. */
export type ErrorCode =
  | 'HIT_ARGUMENT'
  | 'HIT_KEY_INVALID'
  | 'HIT_VALUE_INVALID'
  | 'HIT_VALUE_TOO_LARGE'
  | 'HIT_BATCH_TOO_LARGE'
  | 'HIT_CONFLICT'
  | 'HIT_NOT_OPEN'
  | 'HIT_LOCKED'
  | 'HIT_BUSY'
  | 'HIT_TIMEOUT'
  | 'HIT_ABORTED'
  | 'HIT_UNAVAILABLE'
  | 'HIT_CONFIG'
  | 'HIT_UNSUPPORTED'
  | 'HIT_CORRUPTION'
  | 'HIT_IO'
  | 'HIT_DISK_FULL'
  | 'HIT_POISONED'
  | 'HIT_LAGGED';
