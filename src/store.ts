import { nameType, VALUE_CODECS, type ValueCodec } from './encoding.js';
import type { EngineStore, KeyRange } from './engine.js';
import { abortError, typeError } from './errors.js';
import { KeySpace } from './keyspace.js';
import { loadEntries } from './load.js';
import { openNative } from './native/engine.js';
import { dumpRequest, loadRequest, openRequest, progressRequest } from './options.js';
import { iterable, PairSink } from './pairs.js';
import { ALL_KEYS } from './range.js';
import type {
  Capabilities,
  DumpOptions,
  Key,
  LoadOptions,
  OpenOptions,
  ProgressOptions,
  Stats,
  Store,
  VerifyReport,
} from './types.js';
import { formatUrl, parsePath, parseUrl } from './url.js';
import { StoreView } from './view.js';

type KeyOf<O> = O extends { keyEncoding: 'binary' } ? Uint8Array : string;

/**
 * Opens a store, and makes it where it does not exist: `memory:`, a folder of files (`'./data'`, `'file:./data'`) or of
 * RocksDB (`'rocksdb:./rocks'`), or a `file:` URL. A second `open` of the same folder in one process joins the first, and
 * needs the same `file` or `rocksdb` options and `maxMemoryBytes`.
 *
 * @throws `HIT_LOCKED` where another process has the folder; `HIT_CONFIG` where the URL, an option or the folder is
 * not what a store needs; `HIT_UNSUPPORTED`, `HIT_CORRUPTION`, `HIT_IO`, `HIT_ABORTED`; a `TypeError` or `RangeError`
 * with code `HIT_ARGUMENT` for a wrong option.
 * @example
 * const db = await open('./data');
 * try {
 *   await db.set('user:1', 'ada'); // on disk when it resolves
 *   db.getSync('user:1'); // 'ada'
 * } finally {
 *   await db.close();
 * }
 */
export function open<O extends OpenOptions & { valueEncoding?: 'utf8' }>(
  url: string | URL,
  options?: O,
): Promise<Store<string, KeyOf<O>>>;
export function open<O extends OpenOptions & { valueEncoding: 'binary' }>(
  url: string | URL,
  options: O,
): Promise<Store<Uint8Array, KeyOf<O>>>;
export function open<V = unknown>(
  url: string | URL,
  options: OpenOptions & { valueEncoding: 'json' },
): Promise<Store<V>>;
export async function open(url: string | URL, options?: OpenOptions): Promise<Store<never, never>> {
  const location = parseUrl(url);
  const { engine: engineOptions, valueEncoding, signal } = openRequest(options, location.kind);
  if (signal?.aborted) throw abortError('open', signal);
  const engine = await openNative(formatUrl(location), engineOptions);
  if (signal?.aborted) {
    await engine.close();
    throw abortError('open', signal);
  }
  const keys = new KeySpace(engineOptions.textKeys);
  return new StoreHandle(engine, keys, VALUE_CODECS[valueEncoding] as ValueCodec<never>);
}

/** One handle of a store: the view of all its keys, and what concerns the whole. */
class StoreHandle<V, K extends Key> extends StoreView<V, K> implements Store<V, K> {
  readonly #engine: EngineStore;
  readonly #keys: KeySpace;
  readonly #values: ValueCodec<V>;

  constructor(engine: EngineStore, keys: KeySpace, values: ValueCodec<V>) {
    super(engine, keys, values);
    this.#engine = engine;
    this.#keys = keys;
    this.#values = values;
  }

  get url(): string {
    return this.#engine.url;
  }

  get engine(): 'native' | 'typescript' {
    return this.#engine.kind;
  }

  get supports(): Readonly<Capabilities> {
    return this.#engine.supports;
  }

  async flush(): Promise<void> {
    return this.#engine.flush();
  }

  stats(): Stats {
    return this.#engine.stats();
  }

  async close(): Promise<void> {
    return this.#engine.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async load(
    source: Parameters<Store<V, Key>['load']>[0],
    options?: LoadOptions,
  ): Promise<{ loaded: number; skipped: number }> {
    const request = loadRequest(options);
    if (typeof source === 'string' || source instanceof URL) {
      const { skipBad = false } = request;
      const jsonValues = (this.#values as unknown) === VALUE_CODECS.json;
      return this.#engine.load(parsePath(source, 'load'), { ...request, skipBad, jsonValues });
    }
    if (request.format !== undefined) throw typeError('the option format is for files: leave it out');
    if (StoreHandle.#is<V>(source)) return this.#loadStore(source, ALL_KEYS, request);
    return loadEntries(iterable(source), new PairSink(this.#engine, this.#keys, this.#values), request);
  }

  async dump(target: string | URL | Store<V, Key>, options?: DumpOptions): Promise<{ dumped: number }> {
    const { range, ...request } = dumpRequest(options);
    const keys = this.#keys.range(range);
    if (typeof target === 'string' || target instanceof URL) {
      return this.#engine.dump(parsePath(target, 'dump'), keys, request);
    }
    if (request.format !== undefined) throw typeError('the option format is for files: leave it out');
    if (!StoreHandle.#is<V>(target)) {
      throw typeError(`dump takes a path, a file: URL or an open store, not ${nameType(target)}`);
    }
    const { loaded } = await target.#loadStore(this, keys, request);
    return { dumped: loaded };
  }

  async compact(): Promise<void> {
    return this.#engine.compact();
  }

  async refresh(): Promise<void> {
    return this.#engine.refresh();
  }

  async verify(options?: ProgressOptions): Promise<VerifyReport> {
    return this.#engine.verify(progressRequest(options));
  }

  async backup(folder: string | URL, options?: ProgressOptions): Promise<void> {
    return this.#engine.backup(parsePath(folder, 'backup'), progressRequest(options));
  }

  /** Both stores hold the same bytes for a value, so bytes are what is moved. */
  async #loadStore(
    source: StoreHandle<V, Key>,
    range: KeyRange,
    options: ProgressOptions,
  ): Promise<{ loaded: number; skipped: number }> {
    if (source.#values !== this.#values) {
      throw typeError('the two stores were opened with different valueEncodings: open both with the same');
    }
    return this.#engine.loadStore(source.#engine, range, options);
  }

  static #is<V>(store: unknown): store is StoreHandle<V, Key> {
    return typeof store === 'object' && store !== null && #engine in store;
  }

  /** The engine behind a store of this package. */
  static engine(store: object): EngineStore {
    if (!(#engine in store)) throw typeError('this is no store of this copy of hitkv');
    return (store as StoreHandle<unknown, Key>).#engine;
  }
}

/** The engine behind an open store, for what is built on top of it. Not part of the public API. */
export const engineOf = StoreHandle.engine;
