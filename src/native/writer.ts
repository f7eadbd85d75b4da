import type { Bytes, EngineCheck, EngineOperation, KeyRange } from '../engine.js';
import { nativeError } from '../errors.js';
import type { NativeStore } from './binding.js';
import * as slab from './slab.js';
import type { Tickets } from './tickets.js';
import { Turn } from './turn.js';

/**
 * Writes through the addon. `set` and `delete` of a turn gather in the slab and are submitted together: in a
 * microtask, when the slab is full, or when something else needs them submitted. All others are groups of their own.
 * Durability: 0 memory, 1 os, 2 disk.
 */
export class Writer {
  readonly #native: NativeStore;
  readonly #tickets: Tickets;
  readonly #slab = new slab.Slab();

  /** The turn that the slab's operations belong to, and all turns of this turn of the event loop, by durability. */
  #turn: Turn | undefined;
  #turns: Turn[] = [];

  constructor(native: NativeStore, tickets: Tickets) {
    this.#native = native;
    this.#tickets = tickets;
  }

  set(key: Bytes, value: Bytes, expiresAt: number | undefined, durability: number): Promise<void> {
    const turn = this.#enter(durability);
    if (!this.#slab.fits(key, value)) this.#makeRoom(key, value);
    if (expiresAt === undefined) this.#slab.add(slab.SET, key, value);
    else this.#slab.addWithInteger(slab.SET | slab.EXPIRY, key, value, low(expiresAt), high(expiresAt));
    if (this.#slab.grown) this.submit();
    return turn.promise;
  }

  delete(key: Bytes, durability: number): Promise<void> {
    const turn = this.#enter(durability);
    if (!this.#slab.fits(key, '')) this.submit();
    this.#slab.add(slab.DELETE, key, '');
    return turn.promise;
  }

  clear({ start, end }: KeyRange, durability: number): Promise<void> {
    this.submit();
    if (end === null) this.#slab.add(slab.DELETE_RANGE, start, '');
    else this.#slab.add(slab.DELETE_RANGE | slab.END, start, end);
    return this.#submitAlone((words, wordCount, bytes, byteCount) =>
      this.#native.submit(words, wordCount, bytes, byteCount, durability),
    );
  }

  batch(
    operations: readonly EngineOperation[],
    checks: readonly EngineCheck[],
    durability: number,
  ): Promise<void> {
    this.submit();
    try {
      for (const check of checks) this.#addCheck(check);
      for (const operation of operations) this.#addToBatch(operation);
    } catch (error) {
      // There is no room for all of it, so none of it stays.
      this.#slab.clear();
      throw error;
    }
    return this.#submitBatch(durability);
  }

  async increment(key: Bytes, by: bigint, durability: number): Promise<bigint> {
    this.submit();
    this.#slab.addWithInteger(slab.INCREMENT, key, '', lowOf(by), highOf(by));
    const { words } = this.#slab;
    const settled = this.#submitBatch(durability);
    // What the addon left is read before anything else uses the slab. Where it refused, `settled` rejects.
    const result = BigInt.asIntN(64, (BigInt(words[1] as number) << 32n) | BigInt(words[0] as number));
    await settled;
    return result;
  }

  async expire(key: Bytes, expiresAt: number | undefined, durability: number): Promise<boolean> {
    this.submit();
    if (expiresAt === undefined) this.#slab.add(slab.EXPIRE, key, '');
    else this.#slab.addWithInteger(slab.EXPIRE | slab.EXPIRY, key, '', low(expiresAt), high(expiresAt));
    const { words } = this.#slab;
    const settled = this.#submitBatch(durability);
    const done = words[0] === 1;
    await settled;
    return done;
  }

  /** Hands the slab's operations over. A refusal is their turn's to tell. */
  submit(): void {
    const { wordCount } = this.#slab;
    if (wordCount === 0 || this.#turn === undefined) return;
    this.#slab.finish();
    const { words, bytes, byteCount } = this.#slab;
    try {
      const ticket = this.#native.submit(words, wordCount, bytes, byteCount, this.#turn.durability);
      this.#turn.accepted(ticket, this.#tickets);
    } catch (error) {
      this.#turn.refused(error);
    } finally {
      this.#slab.clear();
    }
  }

  /** The turn that shares its promise with a write of `durability`. */
  #enter(durability: number): Turn {
    return this.#turn?.durability === durability ? this.#turn : this.#switchTurn(durability);
  }

  #switchTurn(durability: number): Turn {
    this.submit();
    if (this.#turns.length === 0) queueMicrotask(this.#endTurns);
    let turn = this.#turns.find((one) => one.durability === durability);
    if (turn === undefined) {
      turn = new Turn(durability);
      this.#turns.push(turn);
    }
    this.#turn = turn;
    return turn;
  }

  readonly #endTurns = (): void => {
    this.submit();
    const turns = this.#turns;
    this.#turn = undefined;
    this.#turns = [];
    for (const turn of turns) turn.end();
  };

  /** Empties the slab for an operation that has no room, and enlarges it where even that is not enough. */
  #makeRoom(key: Bytes, value: Bytes): void {
    this.submit();
    if (!this.#slab.fits(key, value)) this.#slab.grow(key, value);
  }

  #addCheck(check: EngineCheck): void {
    if ('equals' in check) this.#addGrowing(slab.CHECK_EQUALS, check.key, check.equals);
    else this.#addGrowing(check.exists ? slab.CHECK_EXISTS : slab.CHECK_ABSENT, check.key, '');
  }

  #addToBatch(operation: EngineOperation): void {
    if (operation.type === 'delete') {
      this.#addGrowing(slab.DELETE, operation.key, '');
      return;
    }
    const { key, value, expiresAt, keepExpiry } = operation;
    if (expiresAt === undefined) {
      this.#addGrowing(keepExpiry ? slab.SET | slab.KEEP_EXPIRY : slab.SET, key, value);
      return;
    }
    if (!this.#slab.fits(key, value)) this.#slab.grow(key, value);
    this.#slab.addWithInteger(slab.SET | slab.EXPIRY, key, value, low(expiresAt), high(expiresAt));
  }

  /** A batch cannot be submitted in parts, so the slab grows for it. */
  #addGrowing(kind: number, key: Bytes, value: Bytes): void {
    if (!this.#slab.fits(key, value)) this.#slab.grow(key, value);
    this.#slab.add(kind, key, value);
  }

  #submitBatch(durability: number): Promise<void> {
    if (this.#slab.wordCount === 0) return Promise.resolve();
    return this.#submitAlone((words, wordCount, bytes, byteCount) =>
      this.#native.submitBatch(words, wordCount, bytes, byteCount, durability),
    );
  }

  #submitAlone(
    submit: (words: Uint32Array, wordCount: number, bytes: Uint8Array, byteCount: number) => number,
  ): Promise<void> {
    this.#slab.finish();
    const { words, wordCount, bytes, byteCount } = this.#slab;
    try {
      return this.#tickets.promise(submit(words, wordCount, bytes, byteCount));
    } catch (error) {
      return Promise.reject(nativeError(error));
    } finally {
      this.#slab.clear();
    }
  }
}

/** The low and the high 32 bits of an expiry, which is no larger than 2^53-1, and of a counter's step. */
const low = (moment: number): number => moment >>> 0;
const high = (moment: number): number => Math.floor(moment / 2 ** 32);
const lowOf = (step: bigint): number => Number(BigInt.asUintN(32, step));
const highOf = (step: bigint): number => Number(BigInt.asUintN(32, step >> 32n));
