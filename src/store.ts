import { VALUE_CODECS, type ValueCodec } from './encoding.js';
import type { EngineStore } from './engine.js';
import { abortError, typeError } from './errors.js';
import { KeySpace } from './keyspace.js';
import { openNative } from './native/engine.js';
import { openRequest } from './options.js';
import type { Capabilities, Key, OpenOptions, Stats, Store, VerifyReport } from './types.js';
import { unsupported } from './unsupported.js';
import { formatUrl, parseUrl } from './url.js';
import { StoreView } from './view.js';

type KeyOf<O> = O extends { keyEncoding: 'binary' } ? Uint8Array : string;

/**
 * Opens a store, and makes it where it does not exist: `memory:`, a folder (`'./data'`, `'file:./data'`), or a
 * `file:` URL. A second `open` of the same folder in one process joins the first.
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

  constructor(engine: EngineStore, keys: KeySpace, values: ValueCodec<V>) {
    super(engine, keys, values);
    this.#engine = engine;
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

  async load(): Promise<{ loaded: number; skipped: number }> {
    throw unsupported('load()');
  }

  async dump(): Promise<{ dumped: number }> {
    throw unsupported('dump()');
  }

  async compact(): Promise<void> {
    throw unsupported('compact()');
  }

  async refresh(): Promise<void> {
    throw unsupported('refresh()');
  }

  async verify(): Promise<VerifyReport> {
    throw unsupported('verify()');
  }

  async backup(): Promise<void> {
    throw unsupported('backup()');
  }

  /** The engine behind a store of this package. */
  static engine(store: object): EngineStore {
    if (!(#engine in store)) throw typeError('this is no store of this copy of hitkv');
    return (store as StoreHandle<unknown, Key>).#engine;
  }
}

/** The engine behind an open store, for what is built on top of it. Not part of the public API. */
export const engineOf = StoreHandle.engine;
