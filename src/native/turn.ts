import { HitError, nativeError } from '../errors.js';
import { MAX_ERROR_KEYS } from '../limits.js';
import type { NativeFailure } from './binding.js';
import type { Tickets, Waiter } from './tickets.js';

/**
 * The writes of one turn of the event loop with one durability, and the promise they share. It settles when the turn
 * is over and all its groups have settled; it rejects if any of them failed.
 *
 * Nothing looks at the promise here: where no caller does either, a failure is an unhandled rejection, which Node.js
 * reports by default. It is never swallowed.
 */
export class Turn implements Waiter {
  readonly durability: number;
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #over = false;
  #groups = 0;
  #error: unknown;

  constructor(durability: number) {
    this.durability = durability;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** A group of this turn was accepted. */
  accepted(ticket: number, tickets: Tickets): void {
    if (ticket === 0) return;
    this.#groups++;
    tickets.expect(ticket, this);
  }

  /** A group of this turn was refused. */
  refused(error: unknown): void {
    this.#error = joinErrors(this.#error, nativeError(error));
  }

  /** No further group will come. */
  end(): void {
    this.#over = true;
    this.#settleWhenDone();
  }

  settle(failure: NativeFailure | undefined): void {
    this.#groups--;
    if (failure !== undefined) this.refused(failure);
    this.#settleWhenDone();
  }

  #settleWhenDone(): void {
    if (!this.#over || this.#groups > 0) return;
    if (this.#error === undefined) this.#resolve();
    else this.#reject(this.#error);
  }
}

/** The first error with the keys of both. */
function joinErrors(first: unknown, next: unknown): unknown {
  if (first === undefined) return next;
  if (!HitError.is(first) || !HitError.is(next) || !next.keys) return first;
  const keys = [...(first.keys ?? []), ...next.keys].slice(0, MAX_ERROR_KEYS);
  return new HitError(first.code, first.message, { keys, cause: first.cause });
}
