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
  readonly #pages: Pages<T>;

  constructor(plan: ScanPlan<EngineScan>, take: Take<T>) {
    this.#plan = plan;
    this.#pages = new Pages(plan, take);
  }

  next(): IteratorResult<T, undefined> {
    const pages = this.#pages;
    if (pages.ready) return { done: false, value: pages.takeNext() };
    if (pages.wantsScan) pages.begin(this.#plan.open);
    if (pages.turn()) return { done: false, value: pages.takeNext() };
    return { done: true, value: undefined };
  }

  return(): IteratorResult<T, undefined> {
    this.#pages.end();
    return { done: true, value: undefined };
  }

  throw(error: unknown): IteratorResult<T, undefined> {
    this.#pages.end();
    throw error;
  }

  [Symbol.iterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.#pages.end();
  }
}

/**
 * A scan with promises: it lets the event loop turn before each further page, which where it comes from a disk is read
 * on another thread. Calls that do not wait for one another
 * are answered in order.
 */
export class AsyncScan<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #plan: ScanPlan<Promise<EngineScan>>;
  readonly #pages: Pages<T>;
  /** The last call that is under way; an entry at hand needs none. */
  #last: Promise<unknown> | undefined;

  constructor(plan: ScanPlan<Promise<EngineScan>>, take: Take<T>) {
    this.#plan = plan;
    this.#pages = new Pages(plan, take);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#last !== undefined || !this.#pages.ready) return this.#inOrder(() => this.#next());
    try {
      return Promise.resolve({ done: false, value: this.#pages.takeNext() });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    return this.#inOrder(async () => {
      this.#pages.end();
      return { done: true, value: undefined };
    });
  }

  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    return this.#inOrder(async () => {
      this.#pages.end();
      throw error;
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    const pages = this.#pages;
    if (!pages.ready) {
      if (pages.wantsScan) await pages.beginLater(this.#plan.open);
      else if (!pages.ended) await (pages.waiting() ?? nextTurn());
      if (!pages.turn()) return { done: true, value: undefined };
    }
    return { done: false, value: pages.takeNext() };
  }

  /** Makes a call when those before it are done, whatever came of them. */
  #inOrder<R>(call: () => Promise<R>): Promise<R> {
    const answer = this.#last === undefined ? call() : this.#last.then(call, call);
    this.#last = answer;
    const done = () => {
      if (this.#last === answer) this.#last = undefined;
    };
    answer.then(done, done);
    return answer;
  }
}

/** The pages of a scan, entry by entry, up to a limit. Whatever fails ends it. */
class Pages<T> {
  readonly #take: Take<T>;
  readonly #signal: AbortSignal | undefined;
  #scan: EngineScan | undefined;
  #left: number;
  #index = 0;
  #length = 0;
  #ended = false;

  constructor({ limit, signal }: { limit: number; signal: AbortSignal | undefined }, take: Take<T>) {
    this.#left = limit;
    this.#signal = signal;
    this.#take = take;
  }

  /** Whether an entry of the current page is left. */
  get ready(): boolean {
    return this.#index < this.#length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the snapshot is still to be taken. */
  get wantsScan(): boolean {
    return this.#scan === undefined && !this.#ended && this.#left > 0;
  }

  begin(open: () => EngineScan): void {
    this.#orEnd(() => {
      this.#refuseIfAborted();
      this.#scan = open();
    });
  }

  async beginLater(open: () => Promise<EngineScan>): Promise<void> {
    try {
      this.#refuseIfAborted();
      this.#scan = await open();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** What the next page has to wait for. */
  waiting(): Promise<void> | undefined {
    return this.#scan?.ready?.();
  }

  /** Turns to the next page; false at the end. */
  turn(): boolean {
    if (this.#ended) return false;
    return this.#orEnd(() => {
      this.#refuseIfAborted();
      this.#left -= this.#length;
      this.#index = 0;
      this.#length = this.#scan && this.#left > 0 ? Math.min(this.#scan.fill(), this.#left) : 0;
      if (this.#length === 0) this.end();
      return this.#length > 0;
    });
  }

  takeNext(): T {
    try {
      return this.#take(this.#scan as EngineScan, this.#index++);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Releases the snapshot. */
  end(): void {
    this.#ended = true;
    this.#index = this.#length;
    this.#scan?.close();
    this.#scan = undefined;
  }

  #orEnd<R>(step: () => R): R {
    try {
      return step();
    } catch (error) {
      this.end();
      throw error;
    }
  }

  #refuseIfAborted(): void {
    if (this.#signal?.aborted) throw abortError('the scan', this.#signal);
  }
}
