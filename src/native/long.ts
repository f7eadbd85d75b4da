import { abortError, HitError, nativeError } from '../errors.js';
import type { Progress, ProgressOptions } from '../types.js';
import type { NativeCall, NativeFailure, NativeOutcome } from './binding.js';
import type { Tickets, Waiter } from './tickets.js';

/** Starts a call in the addon. */
export type Start = (wantsProgress: boolean) => NativeCall;

/** The long calls of one handle: each runs on a thread of its own, tells how far it has come and can be ended. */
export class LongCalls {
  readonly #tickets: Tickets;
  readonly #running = new Set<NativeCall>();

  constructor(tickets: Tickets) {
    this.#tickets = tickets;
  }

  /** Runs a call; `name` is what errors call it. */
  async run(name: string, start: Start, options: ProgressOptions = {}): Promise<NativeOutcome> {
    const { onProgress, signal } = options;
    if (signal?.aborted) throw abortError(name, signal);
    let call: NativeCall;
    try {
      call = start(onProgress !== undefined);
    } catch (error) {
      throw nativeError(error);
    }
    const abort = () => call.abort();
    signal?.addEventListener('abort', abort);
    this.#running.add(call);
    try {
      return await new Promise<NativeOutcome>((resolve, reject) => {
        this.#tickets.expect(call.ticket, new Running(call, onProgress, resolve, reject));
      });
    } catch (error) {
      const aborted = signal?.aborted && HitError.is(error) && error.code === 'HIT_ABORTED';
      throw aborted ? abortError(name, signal) : error;
    } finally {
      this.#running.delete(call);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Has all of them end: their store is closed. */
  abort(): void {
    for (const call of this.#running) call.abort();
  }

  /** The thread ends: they end too, and remove what they have half made. */
  leave(): void {
    this.abort();
    for (const call of this.#running) call.leave();
  }
}

/** Waits for one call, and hands its progress on. */
class Running implements Waiter {
  readonly #call: NativeCall;
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  readonly #resolve: (outcome: NativeOutcome) => void;
  readonly #reject: (error: unknown) => void;
  /** What `onProgress` was told last. */
  #last: Progress | undefined;
  /** What `onProgress` threw. */
  #thrown: { error: unknown } | undefined;

  constructor(
    call: NativeCall,
    onProgress: ((progress: Progress) => void) | undefined,
    resolve: (outcome: NativeOutcome) => void,
    reject: (error: unknown) => void,
  ) {
    this.#call = call;
    this.#onProgress = onProgress;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  told(): void {
    if (this.#onProgress === undefined || this.#thrown !== undefined) return;
    const progress = this.#call.progress();
    const last = this.#last;
    if (last && last.done === progress.done && last.bytes === progress.bytes && last.total === progress.total)
      return;
    this.#last = progress;
    try {
      this.#onProgress(progress);
    } catch (error) {
      this.#thrown = { error };
      this.#call.abort();
    }
  }

  settle(failure: NativeFailure | undefined): void {
    if (failure === undefined) this.told();
    if (this.#thrown !== undefined) this.#reject(this.#thrown.error);
    else if (failure !== undefined) this.#reject(nativeError(failure));
    else this.#resolve(this.#call.takeOutcome());
  }
}
