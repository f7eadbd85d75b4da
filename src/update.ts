import { nameKey, quoteKey, type ValueCodec } from './encoding.js';
import type { Bytes, EngineCheck, EngineOperation, EngineStore, Raw } from './engine.js';
import { HitError } from './errors.js';
import { MAX_UPDATE_TRIES } from './limits.js';

/** Makes a new value of the current one. */
export type Change<V> = (current: V | undefined) => V | undefined | Promise<V | undefined>;

/** Reads, changes, and writes where still stands what was read; else again. */
export async function update<V>(
  engine: EngineStore,
  values: ValueCodec<V>,
  givenKey: Bytes,
  change: Change<V>,
): Promise<V | undefined> {
  // The owner of the bytes may change them while the change is under way.
  const key = typeof givenKey === 'string' ? givenKey : Uint8Array.from(givenKey);
  for (let tries = 0; tries < MAX_UPDATE_TRIES; tries++) {
    const raw = engine.supports.syncReads ? engine.getSync(key) : await engine.get(key);
    const answer = change(raw === undefined ? undefined : values.decode(raw, key));
    // Where both the read and the change are synchronous nothing comes between read and write on this thread.
    const next = isPromise(answer) ? await answer : answer;
    if (await replace(engine, key, raw, next === undefined ? undefined : values.encode(next))) return next;
  }
  throw new HitError(
    'HIT_CONFLICT',
    `update of ${quoteKey(key)} lost to other writers ${MAX_UPDATE_TRIES} times: try again, or write it from one place`,
    { keys: [nameKey(key)] },
  );
}

/** Puts `next` where still `raw` is; false where it is no more. */
async function replace(
  engine: EngineStore,
  key: Bytes,
  raw: Raw | undefined,
  next: Bytes | undefined,
): Promise<boolean> {
  if (raw === undefined && next === undefined) return true;
  const operation: EngineOperation =
    next === undefined ? { type: 'delete', key } : { type: 'set', key, value: next, keepExpiry: true };
  const check: EngineCheck = raw === undefined ? { key, exists: false } : { key, equals: raw };
  try {
    await engine.batch([operation], [check], undefined);
    return true;
  } catch (error) {
    if (HitError.is(error) && error.code === 'HIT_CONFLICT') return false;
    throw error;
  }
}

function isPromise<T>(answer: T | Promise<T>): answer is Promise<T> {
  return typeof (answer as { then?: unknown } | undefined | null)?.then === 'function';
}
