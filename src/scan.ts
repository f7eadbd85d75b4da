import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EngineScan } from './engine.js';
import { abortError } from './errors.js';

/** What an iterator needs to know of its scan. */
export interface ScanPlan<S> {
  /** Takes the snapshot. */
  readonly open: () => S;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** Makes what the caller receives of one entry of a page. */
export type Take<T> = (scan: EngineScan, index: number) => T;

/** A scan without promises. The snapshot is taken at the first `next` and released at the end, whichever end. */
export class SyncScan<T> implements IterableIterator<T>, Disposable {
  readonly #plan: ScanPlan<EngineScan>;
  readonly #take: Take<T>;
  #scan: EngineScan | undefined;
  #left: number;
  #index = 0;
  #page = 0;
  #ended = false;

  constructor(plan: ScanPlan<EngineScan>, take: Take<T>) {
    this.#plan = plan;
    this.#take = take;
    this.#left = plan.limit;
  }

  next(): IteratorResult<T, undefined> {
    if (this.#index < this.#page || this.#nextPage()) {
      return { done: false, value: this.#takeNext() };
    }
    return { done: true, value: undefined };
  }

  return(): IteratorResult<T, undefined> {
    this.#end();
    return { done: true, value: undefined };
  }

  throw(error: unknown): IteratorResult<T, undefined> {
    this.#end();
    throw error;
  }

  [Symbol.iterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #takeNext(): T {
    try {
      return this.#take(this.#scan as EngineScan, this.#index++);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Whether there is a next page, which then is read. */
  #nextPage(): boolean {
    if (this.#ended) return false;
    try {
      if (this.#plan.signal?.aborted) throw abortError('the scan', this.#plan.signal);
      this.#left -= this.#page;
      this.#index = 0;
      this.#page = 0;
      if (this.#left > 0) {
        this.#scan ??= this.#plan.open();
        this.#page = Math.min(this.#scan.fill(), this.#left);
      }
    } catch (error) {
      this.#end();
      throw error;
    }
    if (this.#page === 0) this.#end();
    return this.#page > 0;
  }

  #end(): void {
    this.#ended = true;
    this.#index = this.#page;
    this.#scan?.close();
    this.#scan = undefined;
  }
}

/**
 * A scan with promises: it lets the event loop turn before each further page. Calls of `next` that do not wait for
 * one another are answered in order.
 */
export class AsyncScan<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #walk: AsyncGenerator<T, undefined>;

  constructor(plan: ScanPlan<Promise<EngineScan>>, take: Take<T>) {
    this.#walk = walk(plan, take);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#walk.next();
  }

  return(): Promise<IteratorResult<T, undefined>> {
    return this.#walk.return(undefined);
  }

  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    return this.#walk.throw(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#walk.return(undefined);
  }
}

async function* walk<T>(plan: ScanPlan<Promise<EngineScan>>, take: Take<T>): AsyncGenerator<T, undefined> {
  const { limit, signal } = plan;
  throwIfAborted(signal);
  if (limit === 0) return undefined;
  const scan = await plan.open();
  try {
    for (let left = limit; left > 0; ) {
      throwIfAborted(signal);
      const page = Math.min(scan.fill(), left);
      if (page === 0) return undefined;
      for (let index = 0; index < page; index++) yield take(scan, index);
      left -= page;
      if (left > 0) await nextTurn();
    }
    return undefined;
  } finally {
    scan.close();
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError('the scan', signal);
}
