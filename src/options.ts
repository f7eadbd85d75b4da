import { nameType } from './encoding.js';
import type { EngineOpenOptions } from './engine.js';
import { HitError, rangeError, typeError } from './errors.js';
import {
  MAX_BACKGROUND_THREADS,
  MAX_BLOCK_BYTES,
  MAX_SEGMENT_BYTES,
  MIN_BLOCK_BYTES,
  MIN_ROCKSDB_MEMORY_BYTES,
  MIN_SEGMENT_BYTES,
} from './limits.js';
import type {
  DumpOptions,
  Durability,
  LoadOptions,
  OpenOptions,
  ProgressOptions,
  Range,
  RocksDbOptions,
  ScanOptions,
  WriteOptions,
} from './types.js';

/** What `open` was asked for, checked. */
export interface OpenRequest {
  readonly engine: EngineOpenOptions;
  readonly valueEncoding: 'utf8' | 'binary' | 'json';
  readonly signal: AbortSignal | undefined;
}

/** What a write was asked for, checked. */
export interface WriteRequest {
  readonly expiresAt: number | undefined;
  readonly durability: Durability | undefined;
}

/** What a scan was asked for, checked; the range is still to be checked by the key space. */
export interface ScanRequest {
  readonly range: Range | undefined;
  readonly reverse: boolean;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

type Check = (value: unknown, name: string) => void;

const OPEN_CHECKS: Record<keyof OpenOptions, Check> = {
  valueEncoding: oneOf('utf8', 'binary', 'json'),
  keyEncoding: oneOf('utf8', 'binary'),
  durability: oneOf('disk', 'os', 'memory'),
  resident: boolean,
  readOnly: boolean,
  createIfMissing: boolean,
  ioConcurrency: positiveInteger,
  maxPendingBytes: positiveInteger,
  maxMemoryBytes: size,
  timeoutMs: positiveNumber,
  onError: callback,
  signal: abortSignal,
  file: fileOptions,
  rocksdb: rocksDbOptions,
  postgres: object,
  cassandra: object,
};

const BACKENDS = ['file', 'rocksdb', 'postgres', 'cassandra'] as const;

/** Checks the options of `open` for a store of `kind`. Members that are `undefined` count as left out. */
export function openRequest(options: unknown, kind: string): OpenRequest {
  const given = members<OpenOptions>(options, OPEN_CHECKS, 'option');
  for (const backend of BACKENDS) {
    if (backend in given && backend !== kind) {
      throw new HitError(
        'HIT_CONFIG',
        `option ${backend} belongs to ${backend}: stores and this is a ${kind}: store: leave it out`,
      );
    }
  }
  if (given.resident) {
    throw new HitError(
      'HIT_UNSUPPORTED',
      'option resident is not built yet: leave it out; memory: and file: stores are always in memory',
    );
  }
  if (kind === 'memory') refuseInMemory(given);
  if (kind === 'rocksdb') refuseInRocksDb(given);
  const { valueEncoding = 'utf8', keyEncoding = 'utf8', signal, ...rest } = given;
  const engine = { ...rest, textKeys: keyEncoding === 'utf8', textValues: valueEncoding !== 'binary' };
  return { engine, valueEncoding, signal };
}

/** A memory: store is always a new one, and has no disk. */
function refuseInMemory({ readOnly, maxMemoryBytes }: OpenOptions): void {
  if (readOnly) {
    throw new HitError(
      'HIT_CONFIG',
      'a memory: store is new, so with readOnly there would never be anything in it: leave readOnly out',
    );
  }
  if (maxMemoryBytes !== undefined) {
    throw new HitError(
      'HIT_CONFIG',
      'a memory: store has no disk to keep values on: leave maxMemoryBytes out, or open a folder',
    );
  }
}

/** RocksDB keeps what it has read lately in memory, keys and values of all lengths alike. */
function refuseInRocksDb({ maxMemoryBytes }: OpenOptions): void {
  if (maxMemoryBytes === undefined) return;
  throw new HitError(
    'HIT_CONFIG',
    'option maxMemoryBytes is for file stores: give a rocksdb: store rocksdb: { memoryBytes } instead',
  );
}

const PROGRESS_CHECKS: Record<keyof ProgressOptions, Check> = {
  onProgress: callback,
  signal: abortSignal,
};

/** Checks the options of a long call that has no others. */
export function progressRequest(options: unknown): ProgressOptions {
  return members<ProgressOptions>(options, PROGRESS_CHECKS, 'option');
}

const LOAD_CHECKS: Record<keyof LoadOptions, Check> = {
  ...PROGRESS_CHECKS,
  format: oneOf('ndjson', 'csv', 'go-hit'),
  skipBad: boolean,
};

/** Checks the options of `load`. */
export function loadRequest(options: unknown): LoadOptions {
  return members<LoadOptions>(options, LOAD_CHECKS, 'option');
}

type DumpMembers = ProgressOptions & Pick<DumpOptions, 'format'>;

const DUMP_CHECKS: Record<keyof DumpMembers, Check> = {
  ...PROGRESS_CHECKS,
  format: oneOf('ndjson', 'csv'),
};

/** What a dump was asked for, checked; the range is still to be checked by the key space. */
export type DumpRequest = DumpMembers & { readonly range: Range | undefined };

/** Checks the options of `dump` and parts them from the range. */
export function dumpRequest(options: unknown): DumpRequest {
  if (options === undefined) return { range: undefined };
  checkObject(options, 'the options of a dump');
  const { format, onProgress, signal, ...range } = options as DumpOptions;
  return { ...members<DumpMembers>({ format, onProgress, signal }, DUMP_CHECKS, 'option'), range };
}

const WRITE_CHECKS: Record<keyof WriteOptions, Check> = {
  ttlMs: positiveNumber,
  expiresAt: moment,
  durability: OPEN_CHECKS.durability,
};

const DURABILITY_CHECK: Record<'durability', Check> = { durability: OPEN_CHECKS.durability };

/** Checks the options of a write that may give an expiry. */
export function writeRequest(options: unknown): WriteRequest {
  const { ttlMs, expiresAt, durability } = members<WriteOptions>(options, WRITE_CHECKS, 'write option');
  return { expiresAt: expiryOf(ttlMs, expiresAt), durability };
}

/** Checks the options of a write that has no expiry. */
export function durabilityOf(options: unknown): Durability | undefined {
  if (options === undefined) return undefined;
  return members<{ durability?: Durability }>(options, DURABILITY_CHECK, 'option').durability;
}

/** The moment an entry expires: one of both, or never. */
export function expiryOf(ttlMs: unknown, expiresAt: unknown): number | undefined {
  if (ttlMs === undefined && expiresAt === undefined) return undefined;
  if (ttlMs !== undefined && expiresAt !== undefined)
    throw typeError('a write has ttlMs or expiresAt, not both');
  if (ttlMs === undefined) {
    moment(expiresAt, 'expiresAt');
    return expiresAt as number;
  }
  positiveNumber(ttlMs, 'ttlMs');
  const end = Math.ceil(Date.now() + (ttlMs as number));
  if (!Number.isSafeInteger(end))
    throw rangeError(`ttlMs ${ttlMs} ends beyond 2^53-1: leave it out for never`);
  return end;
}

/** Checks the options of a scan and parts them from the range. */
export function scanRequest(options: unknown): ScanRequest {
  if (options === undefined)
    return { range: undefined, reverse: false, limit: Number.POSITIVE_INFINITY, signal: undefined };
  checkObject(options, 'the options of a scan');
  const { reverse = false, limit = Number.POSITIVE_INFINITY, signal, ...range } = options as ScanOptions;
  boolean(reverse, 'reverse');
  if (typeof limit !== 'number') throw typeError(`limit is a number, not ${nameType(limit)}`);
  if (limit !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw rangeError(`limit is 0, a positive integer or Infinity, not ${limit}`);
  }
  if (signal !== undefined) abortSignal(signal, 'signal');
  return { range, reverse, limit, signal };
}

/** Throws what is no options object. */
export function checkObject(options: unknown, what: string): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw typeError(`${what} are an object, not ${nameType(options)}`);
  }
}

/** Checks every member by its name; unknown ones are refused, `undefined` ones left out. */
function members<O extends object>(options: unknown, checks: Record<keyof O, Check>, what: string): O {
  if (options === undefined) return {} as O;
  checkObject(options, what.endsWith(':') ? `the members of ${what.slice(0, -1)}` : `${what}s`);
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw typeError(
        `${what} ${JSON.stringify(name)} does not exist: use ${Object.keys(checks).join(', ')}`,
      );
    }
    if (value === undefined) continue;
    checks[name as keyof O](value, `${what} ${name}`);
    given[name] = value;
  }
  return given as O;
}

function oneOf(...names: string[]): Check {
  return (value, name) => {
    if (typeof value !== 'string') throw typeError(`${name} is a string, not ${nameType(value)}`);
    if (!names.includes(value))
      throw rangeError(
        `${name} is ${names.map((one) => `'${one}'`).join(' or ')}, not ${JSON.stringify(value)}`,
      );
  };
}

function boolean(value: unknown, name: string): void {
  if (typeof value !== 'boolean') throw typeError(`${name} is true or false, not ${nameType(value)}`);
}

function positiveNumber(value: unknown, name: string): void {
  if (typeof value !== 'number') throw typeError(`${name} is a number, not ${nameType(value)}`);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY))
    throw rangeError(`${name} is a positive, finite number, not ${value}`);
}

function integer(value: unknown, name: string): void {
  if (typeof value !== 'number') throw typeError(`${name} is a number, not ${nameType(value)}`);
  if (!Number.isSafeInteger(value)) throw rangeError(`${name} is an integer, not ${value}`);
}

function moment(value: unknown, name: string): void {
  integer(value, name);
  if ((value as number) < 0) throw rangeError(`${name} is Unix time in milliseconds, not ${value}`);
}

function positiveInteger(value: unknown, name: string): void {
  integer(value, name);
  if ((value as number) < 1) throw rangeError(`${name} is 1 or more, not ${value}`);
}

function size(value: unknown, name: string): void {
  integer(value, name);
  if ((value as number) < 0) throw rangeError(`${name} is 0 or more bytes, not ${value}`);
}

function callback(value: unknown, name: string): void {
  if (typeof value !== 'function') throw typeError(`${name} is a function, not ${nameType(value)}`);
}

function abortSignal(value: unknown, name: string): void {
  if (!(value instanceof AbortSignal)) throw typeError(`${name} is an AbortSignal, not ${nameType(value)}`);
}

/** The members of storages that are not built. */
function object(value: unknown, name: string): void {
  checkObject(value, `${name}'s members`);
}

function fileOptions(value: unknown): void {
  members<{ segmentBytes?: number; compaction?: boolean }>(
    value,
    { segmentBytes: integerFrom(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES, ' bytes'), compaction: boolean },
    'option file:',
  );
}

const ROCKSDB_CHECKS: Record<keyof RocksDbOptions, Check> = {
  raw: boolean,
  memoryBytes: integerFrom(MIN_ROCKSDB_MEMORY_BYTES, Number.MAX_SAFE_INTEGER, ' bytes'),
  compression: oneOf('lz4', 'none'),
  blockBytes: integerFrom(MIN_BLOCK_BYTES, MAX_BLOCK_BYTES, ' bytes'),
  backgroundThreads: integerFrom(1, MAX_BACKGROUND_THREADS, ''),
};

function rocksDbOptions(value: unknown): void {
  members<RocksDbOptions>(value, ROCKSDB_CHECKS, 'option rocksdb:');
}

function integerFrom(least: number, most: number, unit: string): Check {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least}${unit} or more` : `${least} to ${most}${unit}`;
  return (value, name) => {
    integer(value, name);
    const number = value as number;
    if (number < least || number > most) throw rangeError(`${name} is ${range}, not ${number}`);
  };
}
