import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { expectArgumentError, failure } from './failure.js';
import { closing, kinds } from './place.js';

describe.each(kinds)('durability and promises of $kind', ({ url }) => {
  test.each(['disk', 'os', 'memory'] as const)('a store may be opened at %s', async (durability) => {
    const where = await url();
    const db = closing(await open(where, { durability }));
    await Promise.all([
      db.set('a', '1'),
      db.batch([{ type: 'set', key: 'b', value: '2' }]),
      db.increment('c'),
      db.delete('d'),
    ]);
    expect(await db.getMany(['a', 'b', 'c', 'd'])).toEqual(['1', '2', '1', undefined]);
    await db.flush();
    expect(db.stats().pendingBytes).toBe(0);
  });

  test('every write may have its own durability, and order holds across them', async () => {
    const db = closing(await open(await url()));
    const levels = ['memory', 'disk', 'os'] as const;
    const writes: Promise<void>[] = [];
    for (let number = 0; number < 300; number += 1) {
      const durability = levels[number % 3] as (typeof levels)[number];
      if (number % 4 === 0) writes.push(db.set('key', String(number), { durability }));
      else if (number % 4 === 1) writes.push(db.delete('key', { durability }));
      else if (number % 4 === 2) writes.push(db.setMany([['key', String(number)]], { durability }));
      else writes.push(db.batch([{ type: 'set', key: 'key', value: String(number) }], { durability }));
    }
    expect(db.getSync('key')).toBe('299');
    await Promise.all(writes);
    expect(await db.get('key')).toBe('299');
  });

  test('writes of one turn may share a promise, and it settles when all are done', async () => {
    const db = closing(await open(await url()));
    const first = db.set('a', '1');
    const second = db.set('b', '2');
    const third = db.delete('a');
    for (const write of [first, second, third]) expect(write).toBeInstanceOf(Promise);
    await first;
    expect(await db.getMany(['a', 'b'])).toEqual([undefined, '2']);
    expect(await Promise.all([first, second, third])).toEqual([undefined, undefined, undefined]);
  });

  test('a bad argument rejects its own promise, not the one that the others share', async () => {
    const db = closing(await open(await url()));
    const before = db.set('a', '1');
    const bad = failure(() => db.set('b', 7 as never));
    const after = db.set('c', '3');
    await Promise.all([before, after]);
    expectArgumentError(await bad);
    expect(await db.getMany(['a', 'b', 'c'])).toEqual(['1', undefined, '3']);
  });

  test('writes that nobody awaits are there after a flush', async () => {
    const db = closing(await open(await url()));
    for (let number = 0; number < 1000; number += 1) void db.set(`key${number}`, 'value');
    await db.flush();
    expect(db.stats()).toMatchObject({ pendingBytes: 0, entries: 1000 });
    await db.flush();
  });

  test('many turns in flight settle in order', async () => {
    const db = closing(await open(await url()));
    const order: number[] = [];
    const turns: Promise<unknown>[] = [];
    for (let turn = 0; turn < 50; turn += 1) {
      turns.push(db.set('key', String(turn)).then(() => order.push(turn)));
      await null;
    }
    await Promise.all(turns);
    expect(order).toEqual([...order].sort((left, right) => left - right));
    expect(db.getSync('key')).toBe('49');
  });

  test('reads of one turn see the writes that came before each of them', async () => {
    const db = closing(await open(await url()));
    void db.set('key', '1');
    const sync = db.getSync('key');
    void db.set('key', '2');
    const second = db.getSync('key');
    void db.delete('key');
    expect([sync, second, db.getSync('key'), db.hasSync('key')]).toEqual(['1', '2', undefined, false]);
    void db.clear();
    void db.set('other', '1');
    expect(db.getManySync(['key', 'other'])).toEqual([undefined, '1']);
    await db.flush();
  });

  test('supports tells what the store can do', async () => {
    const db = closing(await open(await url()));
    expect(db.supports).toEqual({
      syncReads: true,
      orderedScans: true,
      snapshots: true,
      atomicBatch: 'all',
      checks: true,
      ttl: true,
      backup: db.url !== 'memory:',
      workers: db.url !== 'memory:',
      maxValueBytes: 128 * 1024 * 1024,
    });
    expect(db.engine).toBe('native');
    expect(() => Object.assign(db.supports, { ttl: false })).toThrow(TypeError);
  });

  test('stats have every member', async () => {
    const db = closing(await open(await url()));
    await db.set('key', 'value');
    const stats = db.stats();
    expect(stats).toMatchObject({ entries: 1, lanes: 1, pendingBytes: 0, oldestSnapshotMs: 0 });
    expect(stats.memoryBytes).toBeGreaterThan(0);
    if (db.url === 'memory:') expect(stats.diskBytes).toBe(0);
    else expect(stats.diskBytes).toBeGreaterThan(0);
    expect(stats.lastError).toBeUndefined();
  });
});
