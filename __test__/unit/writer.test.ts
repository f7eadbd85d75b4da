import { expect, test } from 'vitest';
import type { NativeFailure, NativeStore } from '../../src/native/binding.js';
import { Tickets } from '../../src/native/tickets.js';
import { Writer } from '../../src/native/writer.js';
import { readOperations } from './encoded-operations.js';

const [MEMORY, OS, DISK] = [0, 1, 2] as const;

interface Group {
  /** Keys and values, joined. */
  text: string;
  durability: number;
  ticket: number;
}

/** A writer over an addon that accepts everything and settles when told to. */
function writing(answer: (group: Group) => number = ({ ticket }) => ticket) {
  const tickets = new Tickets();
  const groups: Group[] = [];
  const submit: NativeStore['submit'] = (bytes, byteCount, durability) => {
    const operations = readOperations(Buffer.from(bytes.subarray(0, byteCount)));
    const group = {
      text: operations.map(({ key, value = '' }) => key + value).join(''),
      durability,
      ticket: groups.length + 1,
    };
    groups.push(group);
    return answer(group);
  };
  const writer = new Writer({ submit, submitBatch: submit } as NativeStore, tickets);
  const settle = (done: number[], failed: (number | NativeFailure)[]) => tickets.settle(done, failed, []);
  return { writer, groups, settle };
}

function failure(message: string, keys: string[] = []): NativeFailure {
  return { code: 'HIT_IO', message, retryable: false, keys };
}

/** Whether a promise has settled once all microtasks have run. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  await new Promise(setImmediate);
  return done;
}

test('the writes of a turn are one group and share a promise', async () => {
  const { writer, groups, settle } = writing();
  const first = writer.set('a', '1', undefined, DISK);
  expect(writer.delete('b', DISK)).toBe(first);
  expect(writer.set('c', '3', 5, DISK)).toBe(first);
  expect(groups).toEqual([]);
  expect(await settled(first)).toBe(false);
  expect(groups).toEqual([{ text: 'a1bc3', durability: DISK, ticket: 1 }]);
  settle([1], []);
  expect(await first).toBe(undefined);
  expect(writer.set('d', '4', undefined, DISK)).not.toBe(first);
});

test('writes of another durability are another group, in call order', async () => {
  const { writer, groups, settle } = writing();
  const disk = writer.set('a', '1', undefined, DISK);
  const memory = writer.set('b', '2', undefined, MEMORY);
  expect(writer.set('c', '3', undefined, DISK)).toBe(disk);
  await settled(disk);
  expect(groups.map(({ text, durability }) => [text, durability])).toEqual([
    ['a1', DISK],
    ['b2', MEMORY],
    ['c3', DISK],
  ]);
  settle([2, 1], []);
  expect(await settled(memory)).toBe(true);
  expect(await settled(disk)).toBe(false);
  settle([3], []);
  await disk;
});

test('what is settled already resolves at the end of the turn', async () => {
  const { writer } = writing(() => 0);
  await writer.set('a', '1', undefined, MEMORY);
});

test('a turn that takes several groups settles with the last, and names the keys of all that failed', async () => {
  const { writer, groups, settle } = writing();
  const promise = writer.set('a', '1', undefined, OS);
  writer.submit();
  writer.set('b', '2', undefined, OS);
  writer.submit();
  writer.set('c', '3', undefined, OS);
  expect(await settled(promise)).toBe(false);
  expect(groups).toHaveLength(3);
  settle([], [1, failure('first', ['a'])]);
  expect(await settled(promise)).toBe(false);
  settle([3], [2, failure('second', ['b'])]);
  await expect(promise).rejects.toMatchObject({
    name: 'HitError',
    code: 'HIT_IO',
    message: 'first',
    keys: ['a', 'b'],
  });
});

test('a group that is refused rejects the turn and not what comes later', async () => {
  const { writer, settle } = writing(({ ticket }) => {
    if (ticket === 1) throw Object.assign(new Error('full'), failure('full'));
    return ticket;
  });
  const refused = writer.set('a', '1', undefined, DISK);
  await expect(refused).rejects.toMatchObject({ name: 'HitError', code: 'HIT_IO', message: 'full' });
  const later = writer.set('b', '2', undefined, DISK);
  await settled(later);
  settle([2], []);
  await later;
});

test('a batch goes behind what was written before, with a promise of its own', async () => {
  const { writer, groups, settle } = writing();
  const set = writer.set('a', '1', undefined, DISK);
  const batch = writer.batch(
    [
      { type: 'set', key: 'b', value: '2', keepExpiry: true },
      { type: 'delete', key: 'c' },
    ],
    [
      { key: 'd', equals: '4' },
      { key: 'e', exists: true },
    ],
    DISK,
  );
  expect(groups.map(({ text }) => text)).toEqual(['a1', 'd4eb2c']);
  settle([2], []);
  await batch;
  expect(await settled(set)).toBe(false);
  settle([1], []);
  await set;
});

test('a batch without anything reaches nobody', async () => {
  const { writer, groups } = writing();
  await writer.batch([], [], DISK);
  expect(groups).toEqual([]);
});

test('a batch that cannot lie in one frame leaves nothing behind', async () => {
  const { writer, groups, settle } = writing();
  const value = Buffer.alloc(100 * 1024 * 1024);
  const operations = ['a', 'b', 'c'].map((key) => ({ type: 'set' as const, key, value }));
  expect(() => writer.batch(operations, [], DISK)).toThrow(
    expect.objectContaining({ code: 'HIT_BATCH_TOO_LARGE' }),
  );
  const later = writer.set('d', '4', undefined, DISK);
  await settled(later);
  expect(groups.map(({ text }) => text)).toEqual(['d4']);
  settle([1], []);
  await later;
});

test('an operation larger than the slab is submitted by itself', async () => {
  const { writer, groups, settle } = writing();
  const large = 'x'.repeat(500_000);
  const promise = writer.set('a', '1', undefined, DISK);
  writer.set('b', large, undefined, DISK);
  writer.set('c', '3', undefined, DISK);
  await settled(promise);
  expect(groups.map(({ text }) => text.length)).toEqual([2, 500_001, 2]);
  settle([1, 2, 3], []);
  await promise;
});

test('a full slab is submitted before the turn ends', async () => {
  const { writer, groups, settle } = writing();
  let promise = Promise.resolve();
  for (let index = 0; index < 50_000; index++) promise = writer.set(`key${index}`, 'value', undefined, DISK);
  expect(groups.length).toBeGreaterThan(1);
  await settled(promise);
  expect(groups.map(({ text }) => text).join('')).toBe(
    Array.from({ length: 50_000 }, (_, index) => `key${index}value`).join(''),
  );
  settle(
    groups.map(({ ticket }) => ticket),
    [],
  );
  await promise;
});

test('a counter answers what the addon left in the first bytes', async () => {
  const tickets = new Tickets();
  const submitBatch: NativeStore['submitBatch'] = (bytes, byteCount) => {
    const slab = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const [increment] = readOperations(slab.subarray(0, byteCount));
    slab.writeBigInt64LE(BigInt.asIntN(64, (increment?.integer as bigint) - 10n));
    return 0;
  };
  const writer = new Writer({ submitBatch } as NativeStore, tickets);
  expect(await writer.increment('n', 12n, DISK)).toBe(2n);
  expect(await writer.increment('n', 3n, DISK)).toBe(-7n);
  expect(await writer.increment('n', 2n ** 62n, DISK)).toBe(2n ** 62n - 10n);
  expect(await writer.increment('n', -(2n ** 62n), DISK)).toBe(-(2n ** 62n) - 10n);
});
