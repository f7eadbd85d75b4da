import { nameType, quoteKey } from './encoding.js';
import type { Bytes, EngineStore } from './engine.js';
import { rangeError, typeError } from './errors.js';
import { MAX_COUNTER, MIN_COUNTER } from './limits.js';

/** A counter that the engine may hold, as text. */
const COUNTER = /^-?\d{1,19}$/;

/** Adds to a counter; a number answers a number, a bigint a bigint. */
export async function increment(
  engine: EngineStore,
  key: Bytes,
  by: number | bigint,
): Promise<number | bigint> {
  if (typeof by === 'bigint') {
    if (by < MIN_COUNTER || by > MAX_COUNTER)
      throw rangeError(`a counter's step has 64 bits, ${by} has more`);
    return engine.increment(key, by);
  }
  if (typeof by !== 'number')
    throw typeError(`a counter's step is a number or a bigint, not ${nameType(by)}`);
  if (!Number.isSafeInteger(by)) {
    throw rangeError(`a counter's step is an integer up to 2^53-1, not ${by}: use a bigint`);
  }
  if (engine.supports.syncReads) refuseUnsafeSum(engine, key, by);
  return safeNumber(await engine.increment(key, BigInt(by)), key);
}

/** Refuses a step whose sum a number cannot carry before it is taken; what no counter can be the engine refuses. */
function refuseUnsafeSum(engine: EngineStore, key: Bytes, by: number): void {
  const raw = engine.getSync(key);
  if (raw === undefined) return;
  const text = typeof raw === 'string' ? raw : Buffer.from(raw).toString('latin1');
  if (!COUNTER.test(text)) return;
  const sum = BigInt(text) + BigInt(by);
  if (sum >= MIN_COUNTER && sum <= MAX_COUNTER) safeNumber(sum, key);
}

function safeNumber(sum: bigint, key: Bytes): number {
  const number = Number(sum);
  if (Number.isSafeInteger(number)) return number;
  throw rangeError(
    `the counter ${quoteKey(key)} would be ${sum}, which a number cannot carry: increment it by a bigint`,
  );
}
