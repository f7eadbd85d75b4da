import type { Bytes, EngineCheck, EngineOperation, KeyRange } from '../engine.js';
import { nativeError } from '../errors.js';
import type { NativeStore } from './binding.js';
import * as kinds from './operation.js';
import { Slab } from './slab.js';
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
  readonly #slab = new Slab();

  /** The turn that the slab's operations belong to, and all turns of this turn of the event loop, by durability. */
  #turn: Turn | undefined;
  #turns: Turn[] = [];

  constructor(native: NativeStore, tickets: Tickets) {
    this.#native = native;
    this.#tickets = tickets;
  }

  set(key: Bytes, value: Bytes, expiresAt: number | undefined, durability: number): Promise<void> {
    const turn = this.#enter(durability);
    if (expiresAt !== undefined) {
      this.#addToTurn(kinds.SET_EXPIRING, key, value, low(expiresAt), high(expiresAt));
    } else if (!this.#slab.tryAddSet(key, value)) {
      this.#addToTurn(kinds.SET, key, value);
    }
    return turn.promise;
  }

  delete(key: Bytes, durability: number): Promise<void> {
    const turn = this.#enter(durability);
    if (!this.#slab.tryAddDelete(key)) this.#addToTurn(kinds.DELETE, key, '');
    return turn.promise;
  }

  clear({ start, end }: KeyRange, durability: number): Promise<void> {
    this.submit();
    if (end === null) this.#slab.add(kinds.DELETE_RANGE, start, '');
    else this.#slab.add(kinds.DELETE_RANGE_TO_END, start, end);
    return this.#submitAlone((bytes, byteCount) => this.#native.submit(bytes, byteCount, durability));
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
    this.#slab.add(kinds.INCREMENT, key, '', lowOf(by), highOf(by));
    const { bytes } = this.#slab;
    const settled = this.#submitBatch(durability);
    // What the addon left is read before anything else uses the slab. Where it refused, `settled` rejects.
    const result = bytes.readBigInt64LE(0);
    await settled;
    return result;
  }

  async expire(key: Bytes, expiresAt: number | undefined, durability: number): Promise<boolean> {
    this.submit();
    if (expiresAt === undefined) this.#slab.add(kinds.EXPIRE_NEVER, key, '');
    else this.#slab.add(kinds.EXPIRE, key, '', low(expiresAt), high(expiresAt));
    const { bytes } = this.#slab;
    const settled = this.#submitBatch(durability);
    const done = bytes[0] === 1;
    await settled;
    return done;
  }

  /** Hands the slab's operations over. A refusal is their turn's to tell. */
  submit(): void {
    if (this.#slab.isEmpty || this.#turn === undefined) return;
    this.#slab.finish();
    const { bytes, byteCount } = this.#slab;
    try {
      const ticket = this.#native.submit(bytes, byteCount, this.#turn.durability);
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

  /** Adds any operation to the turn. Where there is no room the slab is emptied, or, where even that is not enough, enlarged. */
  #addToTurn(kind: number, key: Bytes, value: Bytes, low?: number, high?: number): void {
    if (!this.#slab.fits(key, value)) this.submit();
    this.#addGrowing(kind, key, value, low, high);
    if (this.#slab.grown) this.submit();
  }

  #addCheck(check: EngineCheck): void {
    if ('equals' in check) this.#addGrowing(kinds.CHECK_EQUALS, check.key, check.equals);
    else this.#addGrowing(check.exists ? kinds.CHECK_EXISTS : kinds.CHECK_ABSENT, check.key, '');
  }

  #addToBatch(operation: EngineOperation): void {
    const { key } = operation;
    if (operation.type === 'delete') {
      if (!this.#slab.tryAddDelete(key)) this.#addGrowing(kinds.DELETE, key, '');
      return;
    }
    const { value, expiresAt, keepExpiry } = operation;
    if (expiresAt !== undefined) {
      this.#addGrowing(kinds.SET_EXPIRING, key, value, low(expiresAt), high(expiresAt));
    } else if (keepExpiry) this.#addGrowing(kinds.SET_KEEPING_EXPIRY, key, value);
    else if (!this.#slab.tryAddSet(key, value)) this.#addGrowing(kinds.SET, key, value);
  }

  /** A batch cannot be submitted in parts, so the slab grows for it. */
  #addGrowing(kind: number, key: Bytes, value: Bytes, low?: number, high?: number): void {
    if (!this.#slab.fits(key, value)) this.#slab.grow(key, value);
    this.#slab.add(kind, key, value, low, high);
  }

  #submitBatch(durability: number): Promise<void> {
    if (this.#slab.isEmpty) return Promise.resolve();
    return this.#submitAlone((bytes, byteCount) => this.#native.submitBatch(bytes, byteCount, durability));
  }

  #submitAlone(submit: (bytes: Uint8Array, byteCount: number) => number): Promise<void> {
    this.#slab.finish();
    const { bytes, byteCount } = this.#slab;
    try {
      return this.#tickets.promise(submit(bytes, byteCount));
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
