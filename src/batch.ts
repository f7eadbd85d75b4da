import { nameType, type ValueCodec } from './encoding.js';
import type { EngineCheck, EngineOperation } from './engine.js';
import { typeError } from './errors.js';
import type { KeySpace } from './keyspace.js';
import { checkObject, durabilityOf, expiryOf } from './options.js';
import type { Check, Durability, Operation } from './types.js';

const SET_MEMBERS = new Set(['type', 'key', 'value', 'ttlMs', 'expiresAt']);
const DELETE_MEMBERS = new Set(['type', 'key']);
const CHECK_MEMBERS = new Set(['key', 'equals', 'exists']);

/** Checks and encodes a member of a batch. */
export function encodeOperation<V>(
  operation: Operation<V>,
  keys: KeySpace,
  values: ValueCodec<V>,
): EngineOperation {
  checkObject(operation, 'operations');
  const key = keys.toWrite(operation.key);
  switch (operation.type) {
    case 'set': {
      refuseOthers(operation, SET_MEMBERS, 'a set');
      const { value, ttlMs, expiresAt } = operation;
      return { type: 'set', key, value: values.encode(value), expiresAt: expiryOf(ttlMs, expiresAt) };
    }
    case 'delete':
      refuseOthers(operation, DELETE_MEMBERS, 'a delete');
      return { type: 'delete', key };
    default: {
      const { type } = operation as { type: unknown };
      throw typeError(`an operation's type is 'set' or 'delete', not ${String(type)}`);
    }
  }
}

/** Checks and encodes a condition of a batch. */
export function encodeCheck<V>(check: Check<V>, keys: KeySpace, values: ValueCodec<V>): EngineCheck {
  checkObject(check, 'checks');
  const key = keys.toRead(check.key);
  refuseOthers(check, CHECK_MEMBERS, 'a check');
  if ('equals' in check === 'exists' in check) throw typeError('a check has either equals or exists');
  if ('equals' in check) return { key, equals: values.encode(check.equals) };
  const { exists } = check as { exists: unknown };
  if (typeof exists !== 'boolean') throw typeError(`exists is true or false, not ${nameType(exists)}`);
  return { key, exists };
}

/** Checks the options of a batch; the checks in them are still to be encoded. */
export function batchRequest<V>(options: unknown): {
  checks: readonly Check<V>[];
  durability: Durability | undefined;
} {
  if (options === undefined) return { checks: [], durability: undefined };
  checkObject(options, 'the options of a batch');
  const { checks, ...rest } = options as { checks?: readonly Check<V>[] };
  return { checks: checks === undefined ? [] : list(checks, 'checks'), durability: durabilityOf(rest) };
}

/** Refuses what is no array. A hole counts as `undefined`, so that it is refused like one. */
export function list<T>(items: readonly T[], what: string): readonly T[] {
  if (!Array.isArray(items)) throw typeError(`${what} are an array, not ${nameType(items)}`);
  return [...items];
}

/** A loop over names, since a copy without the known members would cost more than the operation. */
function refuseOthers(members: object, known: ReadonlySet<string>, what: string): void {
  for (const name in members) {
    if (!known.has(name)) throw typeError(`${what} has no member ${JSON.stringify(name)}`);
  }
}
