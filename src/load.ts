import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortError, HitError, rangeError, typeError } from './errors.js';
import { MAX_LOAD_CHUNK_BYTES, MAX_LOAD_CHUNK_ENTRIES, MAX_LOAD_CHUNKS_IN_FLIGHT } from './limits.js';
import type { LoadOptions, Progress } from './types.js';

/** An entry that is ready to be written. */
export interface LoadEntry {
  readonly bytes: number;
}

/** Where entries go. */
export interface LoadSink<T, E extends LoadEntry> {
  /** Checks and encodes what the source yields; throws where that is no entry. */
  encode(item: T): E;
  /** Writes entries; it is called again before they are answered. */
  write(entries: readonly E[]): Promise<void>;
}

/** How often `onProgress` is called at most. */
const TELL_INTERVAL_MS = 50;

/**
 * Loads what an iterable yields, with bounded memory: entries are written a chunk at a time, a few chunks wait for their
 * answers side by side, and the source is not asked for more meanwhile.
 *
 * Where the source throws or an entry is bad, what came before is loaded. Where a write fails, `onProgress` throws or the
 * signal aborts, no further chunk is written. Either way nothing of it is under way any more when this rejects.
 */
export function loadEntries<T, E extends LoadEntry>(
  source: Iterable<T> | AsyncIterable<T>,
  sink: LoadSink<T, E>,
  options: LoadOptions,
): Promise<{ loaded: number; skipped: number }> {
  return new Loading(source, sink, options).run();
}

class Loading<T, E extends LoadEntry> {
  readonly #source: Source<T>;
  readonly #sink: LoadSink<T, E>;
  readonly #options: LoadOptions;
  readonly #inFlight: Promise<void>[] = [];
  #chunk: E[] = [];
  #chunkBytes = 0;
  #loaded = 0;
  #skipped = 0;
  #bytes = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(source: Iterable<T> | AsyncIterable<T>, sink: LoadSink<T, E>, options: LoadOptions) {
    this.#source = new Source(source, options.signal);
    this.#sink = sink;
    this.#options = options;
  }

  async run(): Promise<{ loaded: number; skipped: number }> {
    let stopped: { error: unknown } | undefined;
    try {
      stopped = await this.#readAll();
      this.#submit();
      while (this.#inFlight.length > 0) await this.#inFlight.shift();
      if (stopped === undefined) this.#tell();
    } catch (error) {
      await Promise.allSettled(this.#inFlight);
      throw error;
    } finally {
      this.#source.leave();
    }
    if (stopped !== undefined) throw stopped.error;
    return { loaded: this.#loaded, skipped: this.#skipped };
  }

  /** Reads up to the end, or up to an error that concerns only what comes after it. */
  async #readAll(): Promise<{ error: unknown } | undefined> {
    const { signal, skipBad } = this.#options;
    for (let position = 1; ; position++) {
      if (signal?.aborted) throw abortError('load', signal);
      let step: IteratorResult<T>;
      try {
        const next = this.#source.next();
        step = next instanceof Promise ? await next : next;
      } catch (error) {
        if (signal?.aborted) throw abortError('load', signal);
        return { error };
      }
      if (step.done) return undefined;
      try {
        this.#add(step.value);
      } catch (error) {
        if (!isRefusal(error) || !skipBad) return { error: located(error, position) };
        this.#skipped++;
      }
      if (this.#isFull(position)) await this.#writeChunk();
    }
  }

  #add(item: T): void {
    const entry = this.#sink.encode(item);
    this.#chunk.push(entry);
    this.#chunkBytes += entry.bytes;
    this.#bytes += entry.bytes;
    this.#loaded++;
  }

  #isFull(position: number): boolean {
    return position % MAX_LOAD_CHUNK_ENTRIES === 0 || this.#chunkBytes >= MAX_LOAD_CHUNK_BYTES;
  }

  async #writeChunk(): Promise<void> {
    this.#submit();
    if (this.#inFlight.length >= MAX_LOAD_CHUNKS_IN_FLIGHT) await this.#inFlight.shift();
    // A store in memory answers at once, and a source that never waits would keep the event loop to itself.
    await nextTurn();
    if (performance.now() - this.#toldAt >= TELL_INTERVAL_MS) this.#tell();
  }

  #submit(): void {
    if (this.#chunk.length === 0) return;
    const written = this.#sink.write(this.#chunk);
    // Whoever waits for it hears of a failure; until then it is no unhandled rejection.
    written.catch(() => {});
    this.#inFlight.push(written);
    this.#chunk = [];
    this.#chunkBytes = 0;
  }

  #tell(): void {
    this.#toldAt = performance.now();
    const progress: Progress = { done: this.#loaded + this.#skipped, bytes: this.#bytes };
    this.#options.onProgress?.(progress);
  }
}

/** What an iterable yields. A `next` that never answers is left behind when the signal aborts. */
class Source<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #waits: boolean;
  readonly #signal: AbortSignal | undefined;
  #ended = false;
  #interrupt: (() => void) | undefined;
  readonly #onAbort = () => this.#interrupt?.();

  constructor(source: Iterable<T> | AsyncIterable<T>, signal: AbortSignal | undefined) {
    this.#waits = Symbol.asyncIterator in source;
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
  }

  next(): IteratorResult<T> | Promise<IteratorResult<T>> {
    if (this.#waits) return this.#nextLater();
    try {
      return this.#seen((this.#iterator as Iterator<T>).next());
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  /** Lets go of the source. */
  leave(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#ended) return;
    // Not waited for: behind a `next` that never answers it would not answer either.
    void (async () => this.#iterator.return?.())().catch(() => {});
  }

  #nextLater(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      const signal = this.#signal;
      if (signal !== undefined) this.#interrupt = () => reject(abortError('load', signal));
      (async () => this.#iterator.next())().then(
        (step) => {
          try {
            resolve(this.#seen(step));
          } catch (error) {
            reject(error);
          }
        },
        (error) => {
          this.#ended = true;
          reject(error);
        },
      );
    });
  }

  #seen(step: IteratorResult<T>): IteratorResult<T> {
    if (typeof step !== 'object' || step === null) throw typeError('load: the iterator answers no object');
    this.#ended = step.done === true;
    return step;
  }
}

/** Whether the store refused an entry, and not the source failed while it was looked at. */
function isRefusal(error: unknown): error is Error {
  return HitError.is(error) || (error as { code?: unknown } | null)?.code === 'HIT_ARGUMENT';
}

/** A refusal with the place it concerns; entries are counted from 1. */
function located(error: unknown, position: number): unknown {
  if (!isRefusal(error)) return error;
  const message = `entry ${position}: ${error.message}`;
  if (HitError.is(error)) return new HitError(error.code, message, { cause: error, keys: error.keys ?? [] });
  return error instanceof RangeError ? rangeError(message) : typeError(message);
}
