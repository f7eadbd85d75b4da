/**
 * What the facade asks of an engine. The facade has checked every argument, joined the prefix of a view and encoded
 * values; an engine moves bytes. A string stands for its UTF-8 bytes and is well-formed.
 */
import type { Capabilities, Durability, OpenOptions, ProgressOptions, Stats, VerifyReport } from './types.js';

/** Bytes on their way into a store; a string stands for its UTF-8 bytes. */
export type Bytes = string | Uint8Array;

/** A half-open range of keys: `start` (empty: open) up to and without `end` (null: open). */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
}

/** One member of a batch. `keepExpiry` gives the new value the expiry of the one it replaces. */
export type EngineOperation =
  | { type: 'set'; key: Bytes; value: Bytes; expiresAt?: number | undefined; keepExpiry?: boolean }
  | { type: 'delete'; key: Bytes };

/** A condition on the state before a batch: the stored bytes, or whether the key is there. */
export type EngineCheck = { key: Bytes; equals: Bytes } | { key: Bytes; exists: boolean };

/** A value as it leaves a store: a string where the store was opened with text values, else bytes of the caller's own. */
export type Raw = string | Uint8Array;

/** What a scan reads of each entry. */
export type ScanParts = 'entries' | 'keys' | 'values';

/**
 * A scan of one moment. `fill` reads the next page into `keys` and `values` (only those the parts ask for) and
 * returns how many entries that were; 0 is the end. `close` may be called at any time, and again.
 */
export interface EngineScan {
  readonly keys: Raw[];
  readonly values: Raw[];
  fill(): number;
  /** Settles when the next page can be read without waiting for the disk; undefined where that is so. Never rejects. */
  ready?(): Promise<void> | undefined;
  close(): void;
}

/** Options that the facade has checked; encodings have become shapes. */
export interface EngineOpenOptions extends Omit<OpenOptions, 'valueEncoding' | 'keyEncoding' | 'signal'> {
  textKeys: boolean;
  textValues: boolean;
}

/** How a file is loaded. `jsonValues`: values in the file are JSON, and stored as its text. */
export interface EngineLoadOptions extends ProgressOptions {
  format?: 'ndjson' | 'csv' | 'go-hit';
  skipBad: boolean;
  jsonValues: boolean;
}

/** How a file is written. */
export interface EngineDumpOptions extends ProgressOptions {
  format?: 'ndjson' | 'csv';
}

/**
 * An open handle of a store. Writes are accepted in call order and are seen by the reads of this thread at once.
 * `set` and `delete` return the promise that all such writes of the same turn and durability share.
 */
export interface EngineStore {
  readonly kind: 'native' | 'typescript';
  readonly url: string;
  readonly supports: Readonly<Capabilities>;

  set(
    key: Bytes,
    value: Bytes,
    expiresAt: number | undefined,
    durability: Durability | undefined,
  ): Promise<void>;
  delete(key: Bytes, durability: Durability | undefined): Promise<void>;
  clear(range: KeyRange): Promise<void>;
  batch(
    operations: readonly EngineOperation[],
    checks: readonly EngineCheck[],
    durability: Durability | undefined,
  ): Promise<void>;
  /** Adds to a counter (decimal text, 0 where absent); keeps the expiry. */
  increment(key: Bytes, by: bigint): Promise<bigint>;
  /** Gives an entry another expiry (undefined: none); false where there is no such key. */
  expire(key: Bytes, expiresAt: number | undefined): Promise<boolean>;

  getSync(key: Bytes): Raw | undefined;
  getEntrySync(key: Bytes): { value: Raw; expiresAt?: number } | undefined;
  hasSync(key: Bytes): boolean;
  getManySync(keys: readonly Bytes[]): (Raw | undefined)[];
  countSync(range: KeyRange): number;
  scanSync(range: KeyRange, parts: ScanParts, reverse: boolean): EngineScan;

  /** All reads of one turn go to the engine together. */
  get(key: Bytes): Promise<Raw | undefined>;
  getEntry(key: Bytes): Promise<{ value: Raw; expiresAt?: number } | undefined>;
  has(key: Bytes): Promise<boolean>;
  getMany(keys: readonly Bytes[]): Promise<(Raw | undefined)[]>;
  count(range: KeyRange): Promise<number>;
  /** Prepares what is expensive off the thread, then takes the snapshot. */
  scan(range: KeyRange, parts: ScanParts, reverse: boolean): Promise<EngineScan>;

  /** Reads a file or folder in; its entries are bytes, whatever the encodings of the handle are. */
  load(file: string, options: EngineLoadOptions): Promise<{ loaded: number; skipped: number }>;
  /** Writes a range into a file. */
  dump(file: string, range: KeyRange, options: EngineDumpOptions): Promise<{ dumped: number }>;
  /** Reads a range of another store in, expiries too. */
  loadStore(
    source: EngineStore,
    range: KeyRange,
    options: ProgressOptions,
  ): Promise<{ loaded: number; skipped: number }>;
  compact(): Promise<void>;
  refresh(): Promise<void>;
  verify(options: ProgressOptions): Promise<VerifyReport>;
  backup(folder: string, options: ProgressOptions): Promise<void>;

  flush(): Promise<void>;
  stats(): Stats;
  close(): Promise<void>;
}
