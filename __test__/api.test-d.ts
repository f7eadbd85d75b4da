import { describe, expectTypeOf, test } from 'vitest';
import type {
  Capabilities,
  Check,
  DumpOptions,
  Durability,
  Entry,
  ErrorCode,
  Key,
  LoadOptions,
  OpenOptions,
  Operation,
  Progress,
  ProgressOptions,
  Range,
  RocksDbOptions,
  ScanOptions,
  Stats,
  Store,
  VerifyReport,
  View,
  WriteOptions,
} from '../index.js';
import { HitError, open, verify } from '../index.js';

describe('open', () => {
  test('the encodings decide what values and keys are', () => {
    expectTypeOf(open('./data')).resolves.toEqualTypeOf<Store<string, string>>();
    expectTypeOf(open(new URL('file:///data'), {})).resolves.toEqualTypeOf<Store<string, string>>();
    expectTypeOf(open('./data', { valueEncoding: 'utf8' })).resolves.toEqualTypeOf<Store<string, string>>();
    expectTypeOf(open('./data', { valueEncoding: 'binary' })).resolves.toEqualTypeOf<
      Store<Uint8Array, string>
    >();
    expectTypeOf(open('./data', { keyEncoding: 'binary' })).resolves.toEqualTypeOf<
      Store<string, Uint8Array>
    >();
    expectTypeOf(open('./data', { valueEncoding: 'binary', keyEncoding: 'binary' })).resolves.toEqualTypeOf<
      Store<Uint8Array, Uint8Array>
    >();
    expectTypeOf(open('./data', { valueEncoding: 'json' })).resolves.toEqualTypeOf<Store<unknown>>();
    expectTypeOf(open<{ n: number }>('./data', { valueEncoding: 'json' })).resolves.toEqualTypeOf<
      Store<{ n: number }>
    >();
  });

  test('options are those there are', () => {
    expectTypeOf<OpenOptions>().toEqualTypeOf<{
      valueEncoding?: 'utf8' | 'binary' | 'json';
      keyEncoding?: 'utf8' | 'binary';
      durability?: Durability;
      resident?: boolean;
      readOnly?: boolean;
      createIfMissing?: boolean;
      ioConcurrency?: number;
      maxPendingBytes?: number;
      maxMemoryBytes?: number;
      timeoutMs?: number;
      onError?: (error: HitError) => void;
      signal?: AbortSignal;
      file?: object;
      rocksdb?: RocksDbOptions;
      postgres?: object;
      cassandra?: object;
    }>();
    expectTypeOf<RocksDbOptions>().toEqualTypeOf<{
      raw?: boolean;
      memoryBytes?: number;
      compression?: 'lz4' | 'none';
      blockBytes?: number;
      backgroundThreads?: number;
    }>();
    expectTypeOf<Durability>().toEqualTypeOf<'disk' | 'os' | 'memory'>();
    // @ts-expect-error an unknown encoding
    void open('./data', { valueEncoding: 'xml' });
    // @ts-expect-error an unknown durability
    void open('./data', { durability: 'always' });
    // @ts-expect-error no URL
    void open();
  });
});

describe('View', () => {
  type Bytes = View<Uint8Array, Uint8Array>;
  const view = {} as View<{ n: number }>;

  test('reads', () => {
    expectTypeOf(view.get).toEqualTypeOf<(key: Key) => Promise<{ n: number } | undefined>>();
    expectTypeOf(view.getEntry).toEqualTypeOf<(key: Key) => Promise<Entry<{ n: number }> | undefined>>();
    expectTypeOf(view.getMany).toEqualTypeOf<
      (keys: readonly Key[]) => Promise<({ n: number } | undefined)[]>
    >();
    expectTypeOf(view.has).toEqualTypeOf<(key: Key) => Promise<boolean>>();
    expectTypeOf(view.getSync).toEqualTypeOf<(key: Key) => { n: number } | undefined>();
    expectTypeOf(view.getManySync).toEqualTypeOf<(keys: readonly Key[]) => ({ n: number } | undefined)[]>();
    expectTypeOf(view.hasSync).toEqualTypeOf<(key: Key) => boolean>();
    expectTypeOf(view.count).toEqualTypeOf<(range?: Range) => Promise<number>>();
    expectTypeOf(view.countSync).toEqualTypeOf<(range?: Range) => number>();
  });

  test('writes', () => {
    expectTypeOf(view.set).toEqualTypeOf<
      (key: Key, value: { n: number }, options?: WriteOptions) => Promise<void>
    >();
    expectTypeOf(view.setMany).toEqualTypeOf<
      (
        entries: Iterable<readonly [Key, { n: number }]> | Record<string, { n: number }>,
        options?: WriteOptions,
      ) => Promise<void>
    >();
    expectTypeOf(view.delete).toEqualTypeOf<
      (key: Key, options?: { durability?: Durability }) => Promise<void>
    >();
    expectTypeOf(view.deleteMany).toEqualTypeOf<
      (keys: readonly Key[], options?: { durability?: Durability }) => Promise<void>
    >();
    expectTypeOf(view.expire).toEqualTypeOf<(key: Key, ttlMs: number | null) => Promise<boolean>>();
    expectTypeOf(view.clear).toEqualTypeOf<(range?: Range) => Promise<void>>();
    expectTypeOf(view.batch).toEqualTypeOf<
      (
        operations: readonly Operation<{ n: number }>[],
        options?: { checks?: readonly Check<{ n: number }>[]; durability?: Durability },
      ) => Promise<void>
    >();
    expectTypeOf(view.update('key', (current) => current)).resolves.toEqualTypeOf<
      { n: number } | undefined
    >();
    expectTypeOf(view.update('key', async () => ({ n: 1 }))).resolves.toEqualTypeOf<
      { n: number } | undefined
    >();
    expectTypeOf(view.increment('key')).resolves.toEqualTypeOf<number>();
    expectTypeOf(view.increment('key', 7)).resolves.toEqualTypeOf<number>();
    expectTypeOf(view.increment('key', 7n)).resolves.toEqualTypeOf<bigint>();
    // @ts-expect-error a value of another type
    void view.set('key', 'text');
    // @ts-expect-error a key that is none
    void view.get(7);
  });

  test('scans', () => {
    expectTypeOf(view.entries).toEqualTypeOf<
      (scan?: ScanOptions) => AsyncIterableIterator<[string, { n: number }]> & AsyncDisposable
    >();
    expectTypeOf(view.keys).toEqualTypeOf<
      (scan?: ScanOptions) => AsyncIterableIterator<string> & AsyncDisposable
    >();
    expectTypeOf(view.values).toEqualTypeOf<
      (scan?: ScanOptions) => AsyncIterableIterator<{ n: number }> & AsyncDisposable
    >();
    expectTypeOf<View<{ n: number }, Uint8Array>['entriesSync']>().toEqualTypeOf<
      (scan?: ScanOptions) => IterableIterator<[Uint8Array, { n: number }]> & Disposable
    >();
    expectTypeOf<Bytes['keysSync']>().toEqualTypeOf<
      (scan?: ScanOptions) => IterableIterator<Uint8Array> & Disposable
    >();
    expectTypeOf<Bytes['valuesSync']>().toEqualTypeOf<
      (scan?: ScanOptions) => IterableIterator<Uint8Array> & Disposable
    >();
    expectTypeOf<Bytes['sub']>().toEqualTypeOf<(prefix: Key) => Bytes>();
  });
});

describe('Store', () => {
  const store = {} as Store<string>;

  test('is a view that is closed', () => {
    expectTypeOf(store).toExtend<View<string, string>>();
    expectTypeOf(store).toExtend<AsyncDisposable>();
    expectTypeOf(store.url).toEqualTypeOf<string>();
    expectTypeOf(store.engine).toEqualTypeOf<'native' | 'typescript'>();
    expectTypeOf(store.supports).toEqualTypeOf<Readonly<Capabilities>>();
    expectTypeOf(store.flush).toEqualTypeOf<() => Promise<void>>();
    expectTypeOf(store.compact).toEqualTypeOf<() => Promise<void>>();
    expectTypeOf(store.refresh).toEqualTypeOf<() => Promise<void>>();
    expectTypeOf(store.close).toEqualTypeOf<() => Promise<void>>();
    expectTypeOf(store.stats).toEqualTypeOf<() => Stats>();
    expectTypeOf(store.load).returns.resolves.toEqualTypeOf<{ loaded: number; skipped: number }>();
    expectTypeOf(store.load).parameter(1).toEqualTypeOf<LoadOptions | undefined>();
    expectTypeOf(store.dump).toEqualTypeOf<
      (target: string | URL | Store<string, Key>, options?: DumpOptions) => Promise<{ dumped: number }>
    >();
    expectTypeOf(store.verify).toEqualTypeOf<(options?: ProgressOptions) => Promise<VerifyReport>>();
    expectTypeOf(verify).toEqualTypeOf<
      (url: string | URL, options?: ProgressOptions) => Promise<VerifyReport>
    >();
    expectTypeOf(store.backup).toEqualTypeOf<
      (folder: string | URL, options?: ProgressOptions) => Promise<void>
    >();
    void store.load('./entries.ndjson', { format: 'ndjson', skipBad: true });
    void store.load(new URL('file:///entries.csv'));
    void store.load(new Map([['key', 'value']]));
    void store.load({} as AsyncIterable<[Uint8Array, string]>);
    void store.load({} as Store<string, Uint8Array>);
    // @ts-expect-error values of another type
    void store.load([['key', 7]]);
    // @ts-expect-error a store with values of another type
    void store.load({} as Store<Uint8Array>);
    // @ts-expect-error Go-Hit's format is only read
    void store.dump('./entries', { format: 'go-hit' });
    // @ts-expect-error read only
    store.url = 'other';
  });

  test('what it tells', () => {
    expectTypeOf<Capabilities>().toEqualTypeOf<{
      syncReads: boolean;
      orderedScans: boolean;
      snapshots: boolean;
      atomicBatch: 'all' | 'partition' | 'none';
      checks: boolean;
      ttl: boolean;
      backup: boolean;
      workers: boolean;
      maxValueBytes: number;
    }>();
    expectTypeOf<Stats['entries']>().toEqualTypeOf<number>();
    expectTypeOf<Stats['lastError']>().toEqualTypeOf<HitError | undefined>();
    expectTypeOf<Stats['anything else']>().toEqualTypeOf<unknown>();
    expectTypeOf<Progress>().toEqualTypeOf<{ done: number; total?: number; bytes: number }>();
    expectTypeOf<VerifyReport>().toEqualTypeOf<{
      ok: boolean;
      bytes: number;
      problems: { file: string; offset: number; code: ErrorCode; message: string }[];
    }>();
    expectTypeOf<ProgressOptions>().toEqualTypeOf<{
      onProgress?: (progress: Progress) => void;
      signal?: AbortSignal;
    }>();
    expectTypeOf<LoadOptions>().toExtend<ProgressOptions>();
    expectTypeOf<DumpOptions>().toExtend<ProgressOptions & Range>();
    expectTypeOf<LoadOptions['format']>().toEqualTypeOf<'ndjson' | 'csv' | 'go-hit' | undefined>();
    expectTypeOf<DumpOptions['format']>().toEqualTypeOf<'ndjson' | 'csv' | undefined>();
  });
});

describe('the small types', () => {
  test('are what the API says', () => {
    expectTypeOf<Key>().toEqualTypeOf<string | Uint8Array>();
    expectTypeOf<WriteOptions>().toEqualTypeOf<{
      ttlMs?: number;
      expiresAt?: number;
      durability?: Durability;
    }>();
    expectTypeOf<Range>().toEqualTypeOf<{ gt?: Key; gte?: Key; lt?: Key; lte?: Key; prefix?: Key }>();
    expectTypeOf<ScanOptions>().toExtend<Range>();
    expectTypeOf<Pick<ScanOptions, 'reverse' | 'limit' | 'signal'>>().toEqualTypeOf<{
      reverse?: boolean;
      limit?: number;
      signal?: AbortSignal;
    }>();
    expectTypeOf<Entry<number>>().toEqualTypeOf<{ value: number; expiresAt?: number }>();
    expectTypeOf<Operation<number>>().toEqualTypeOf<
      | { type: 'set'; key: Key; value: number; ttlMs?: number; expiresAt?: number }
      | { type: 'delete'; key: Key }
    >();
    expectTypeOf<Check<number>>().toEqualTypeOf<
      { key: Key; equals: number } | { key: Key; exists: boolean }
    >();
    // @ts-expect-error an undefined bound is none, under exactOptionalPropertyTypes
    const range: Range = { gte: undefined };
    void range;
  });

  test('errors have a code', () => {
    const error = {} as HitError;
    expectTypeOf(error).toExtend<Error>();
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    expectTypeOf(error.retryable).toEqualTypeOf<boolean>();
    expectTypeOf(error.keys).toEqualTypeOf<string[] | undefined>();
    expectTypeOf(HitError.is).guards.toEqualTypeOf<HitError>();
    expectTypeOf<ErrorCode>().toEqualTypeOf<
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
      | 'HIT_LAGGED'
    >();
  });
});
