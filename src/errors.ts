import type { ErrorCode } from './types.js';

/** Every code, and whether the same call may succeed later without anything being changed. */
export const RETRYABLE: Readonly<Record<ErrorCode, boolean>> = {
  HIT_ARGUMENT: false,
  HIT_KEY_INVALID: false,
  HIT_VALUE_INVALID: false,
  HIT_VALUE_TOO_LARGE: false,
  HIT_BATCH_TOO_LARGE: false,
  HIT_CONFLICT: true,
  HIT_NOT_OPEN: false,
  HIT_LOCKED: true,
  HIT_BUSY: true,
  HIT_TIMEOUT: true,
  HIT_ABORTED: false,
  HIT_UNAVAILABLE: true,
  HIT_CONFIG: false,
  HIT_UNSUPPORTED: false,
  HIT_CORRUPTION: false,
  HIT_IO: false,
  HIT_DISK_FULL: true,
  HIT_POISONED: false,
  HIT_LAGGED: true,
};

/** Registered for the whole process, so that two copies of the package know each other's errors. */
const BRAND = Symbol.for('hitkv.HitError');

/**
 * An operation that failed: a stable code and a message that says what happened, to what, and what to do. A wrong
 * JavaScript type is a `TypeError` or `RangeError` with code `HIT_ARGUMENT` instead.
 *
 * @example
 * try {
 *   await db.batch([{ type: 'set', key: 'seat', value: 'taken' }], { checks: [{ key: 'seat', exists: false }] });
 * } catch (error) {
 *   if (HitError.is(error) && error.code === 'HIT_CONFLICT') console.log('someone was faster');
 *   else throw error;
 * }
 */
export class HitError extends Error {
  /** What kind of failure it is; part of the public API, the same in every language and protocol. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean;
  /** The keys it concerns, where it concerns some: at most 100, in hex where they are not UTF-8. */
  declare readonly keys?: string[];

  /** @internal Users receive these errors; they do not make them. */
  constructor(code: ErrorCode, message: string, details: { cause?: unknown; keys?: readonly string[] } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryable = RETRYABLE[code];
    if (details.keys && details.keys.length > 0) this.keys = [...details.keys];
  }

  /** Whether `error` is a `HitError`, also one of another copy of this package. */
  static is(error: unknown): error is HitError {
    return typeof error === 'object' && error !== null && BRAND in error;
  }
}

Object.defineProperty(HitError.prototype, 'name', { value: 'HitError', configurable: true, writable: true });
Object.defineProperty(HitError.prototype, BRAND, { value: true });

/** A wrong JavaScript type: a `TypeError` with code `HIT_ARGUMENT`. */
export function typeError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'HIT_ARGUMENT' as const });
}

/** A number outside its range: a `RangeError` with code `HIT_ARGUMENT`. */
export function rangeError(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'HIT_ARGUMENT' as const });
}

/** The end that the caller's signal put to a call. */
export function abortError(what: string, signal: AbortSignal): HitError {
  return new HitError('HIT_ABORTED', `${what} was ended by its signal`, { cause: signal.reason });
}

/** Every call on a store that is closed or closing. */
export function notOpenError(url: string): HitError {
  return new HitError('HIT_NOT_OPEN', `the store ${url} is closed: open it again`);
}

/** Makes a failure that came out of the addon a `HitError`; anything else stays what it is. */
export function nativeError(failure: unknown): unknown {
  if (typeof failure !== 'object' || failure === null || HitError.is(failure)) return failure;
  const { code, message, keys } = failure as { code?: unknown; message?: unknown; keys?: unknown };
  if (typeof code !== 'string' || !Object.hasOwn(RETRYABLE, code)) return failure;
  return new HitError(code as ErrorCode, String(message), Array.isArray(keys) ? { keys } : {});
}
