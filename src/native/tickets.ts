import { nativeError } from '../errors.js';
import type { NativeFailure, Settle } from './binding.js';

/** Someone whom the outcome of a group concerns. */
export interface Waiter {
  settle(failure: NativeFailure | undefined): void;
  /** It has got further; long calls only. */
  told?(): void;
}

/**
 * Who waits for which ticket. The addon holds `settle`, and through it only this table: a store that nobody uses any
 * more can be collected while its last writes are under way.
 */
export class Tickets {
  readonly #waiters = new Map<number, Waiter>();

  readonly settle: Settle = (done, failed, told) => {
    for (const ticket of told) this.#waiters.get(ticket)?.told?.();
    for (const ticket of done) this.#settleOne(ticket, undefined);
    for (let index = 0; index + 1 < failed.length; index += 2) {
      this.#settleOne(failed[index] as number, failed[index + 1] as NativeFailure);
    }
  };

  /** Tells `waiter` when `ticket` settles. */
  expect(ticket: number, waiter: Waiter): void {
    this.#waiters.set(ticket, waiter);
  }

  /** A promise of the ticket's outcome; ticket 0 has it already. */
  promise(ticket: number): Promise<void> {
    if (ticket === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.expect(ticket, {
        settle: (failure) => (failure === undefined ? resolve() : reject(nativeError(failure))),
      });
    });
  }

  #settleOne(ticket: number, failure: NativeFailure | undefined): void {
    const waiter = this.#waiters.get(ticket);
    this.#waiters.delete(ticket);
    waiter?.settle(failure);
  }
}
