import { expect } from 'vitest';
import { collect } from '../collect.js';
import { bytes, type Case } from './case.js';

const inKeyOrder = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right));
const select = (keys: string[], holds: (order: (bound: string) => number) => boolean) =>
  keys.filter((key) => holds((bound) => inKeyOrder(key, bound)));

/** Scans: order, bounds, limits. */
export const scans: Case[] = [
  {
    name: 'a_scan_finds_every_entry_once',
    async run(trial) {
      const db = await trial.text();
      const entries = Array.from(
        { length: 3000 },
        (_, number) => [`key${number}`, 'v'.repeat(number % 400)] as const,
      );
      await db.setMany(entries);
      const found = await collect(db.entries());
      expect(new Map(found)).toEqual(new Map(entries));
      expect(found.length).toBe(entries.length);
      expect(new Set(await collect(db.keys()))).toEqual(new Set(entries.map(([key]) => key)));
      expect((await collect(db.values())).sort()).toEqual(entries.map(([, value]) => value).sort());
    },
  },
  {
    name: 'a_scan_of_nothing_ends_at_once',
    async run(trial) {
      const db = await trial.text();
      expect(await collect(db.entries())).toEqual([]);
      expect(await collect(db.entries({ reverse: true }))).toEqual([]);
      await db.set('key', 'value');
      await db.delete('key');
      expect(await collect(db.keys())).toEqual([]);
    },
  },
  {
    name: 'a_scan_comes_in_key_byte_order',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.bytes();
      const keys = [
        ...Array.from({ length: 256 }, (_, byte) => bytes(byte)),
        ...['a\0', 'aa', 'eightlongA', 'eightlongB', 'eightlong', 'é', '\uffff', '\u{10000}', '𝒳'].map(
          (text) => bytes(text),
        ),
        new Uint8Array(2048).fill(0xff),
        new Uint8Array(2047).fill(0xff),
      ];
      // Written in an order that is not theirs.
      await Promise.all(
        keys.map((_, index) => db.set(keys[(index * 101) % keys.length] as Uint8Array, bytes('v'))),
      );
      const sorted = keys.map((key) => Buffer.from(key)).sort(Buffer.compare);
      expect((await collect(db.keys())).map((key) => Buffer.from(key))).toEqual(sorted);
      expect((await collect(db.keys({ reverse: true }))).map((key) => Buffer.from(key))).toEqual(
        sorted.reverse(),
      );
    },
  },
  {
    name: 'a_scan_of_many_pages_misses_nothing',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      const keys = Array.from({ length: 10_000 }, (_, number) => `key${(number * 7919) % 10_000}`);
      await db.setMany(keys.map((key) => [key, `of ${key}`] as const));
      const sorted = [...keys].sort();
      expect(await collect(db.entries())).toEqual(sorted.map((key) => [key, `of ${key}`]));
      expect(await collect(db.keys({ reverse: true }))).toEqual(sorted.toReversed());
      expect(await collect(db.values())).toEqual(sorted.map((key) => `of ${key}`));
    },
  },
  {
    name: 'writes_after_a_scan_are_in_the_next_one',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      const model = new Map<string, string>();
      for (let round = 0; round < 30; round += 1) {
        for (let number = 0; number < 40; number += 1) {
          const key = `key${(round * 17 + number * 29) % 300}`;
          if ((round + number) % 4 === 0) {
            model.delete(key);
            void db.delete(key);
          } else {
            model.set(key, `${round}`);
            void db.set(key, `${round}`);
          }
        }
        expect(await collect(db.entries())).toEqual(
          [...model].sort(([left], [right]) => inKeyOrder(left, right)),
        );
      }
      await db.flush();
    },
  },
  {
    name: 'every_kind_of_bound_is_kept',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      const keys = ['a', 'a\0', 'aa', 'b', 'b\0', 'ba', 'c', 'é', '\uffff', '\u{10000}'].sort(inKeyOrder);
      await db.setMany(keys.map((key) => [key, key] as const));
      const bounds = ['\0', 'a', 'a\0', 'ab', 'b', 'c', 'd', '\u{10001}'];
      for (const low of bounds) {
        expect(await collect(db.keys({ gt: low })), `gt ${low}`).toEqual(select(keys, (to) => to(low) > 0));
        expect(await collect(db.keys({ gte: low })), `gte ${low}`).toEqual(
          select(keys, (to) => to(low) >= 0),
        );
        expect(await collect(db.keys({ lt: low })), `lt ${low}`).toEqual(select(keys, (to) => to(low) < 0));
        expect(await collect(db.keys({ lte: low })), `lte ${low}`).toEqual(
          select(keys, (to) => to(low) <= 0),
        );
        for (const high of bounds) {
          const open = select(keys, (to) => to(low) > 0 && to(high) < 0);
          const closed = select(keys, (to) => to(low) >= 0 && to(high) <= 0);
          expect(await collect(db.keys({ gt: low, lt: high })), `gt ${low} lt ${high}`).toEqual(open);
          expect(await collect(db.keys({ gte: low, lte: high, reverse: true }))).toEqual(closed.toReversed());
          expect(await db.count({ gte: low, lte: high })).toBe(closed.length);
        }
      }
    },
  },
  {
    name: 'a_prefix_selects_its_keys',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.bytes();
      const keys = [
        [1],
        [1, 0],
        [1, 255],
        [1, 255, 255],
        [1, 255, 255, 7],
        [2],
        [254, 255],
        [255],
        [255, 0],
        [255, 255],
      ];
      await Promise.all(keys.map((key) => db.set(bytes(...key), bytes('v'))));
      for (const prefix of [[1], [1, 255], [1, 255, 255], [2], [3], [254], [255], [255, 255]]) {
        const expected = keys.filter((key) => prefix.every((byte, index) => key[index] === byte));
        const found = await collect(db.keys({ prefix: bytes(...prefix) }));
        expect(found.map((key) => [...key])).toEqual(expected);
        const reversed = await collect(db.keys({ prefix: bytes(...prefix), reverse: true }));
        expect(reversed.map((key) => [...key])).toEqual(expected.toReversed());
        expect(await db.count({ prefix: bytes(...prefix) })).toBe(expected.length);
      }
    },
  },
  {
    name: 'a_prefix_and_bounds_intersect',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      await db.setMany(['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map((key) => [key, 'v'] as const));
      expect(await collect(db.keys({ prefix: 'a', gt: 'a1' }))).toEqual(['a2', 'a3']);
      expect(await collect(db.keys({ prefix: 'b', lte: 'b1' }))).toEqual(['b1']);
      expect(await collect(db.keys({ prefix: 'b', gte: 'a', lt: 'z' }))).toEqual(['b1', 'b2']);
      expect(await collect(db.keys({ prefix: 'b', gte: 'c' }))).toEqual([]);
      expect(await db.count({ prefix: 'a', gt: 'a1', lt: 'a3' })).toBe(1);
    },
  },
  {
    name: 'crossing_bounds_select_nothing',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      await db.setMany(['a', 'b', 'c'].map((key) => [key, 'v'] as const));
      for (const range of [
        { gt: 'b', lt: 'b' },
        { gte: 'c', lt: 'a' },
        { gt: 'c', lte: 'a' },
        { gte: 'b', lt: 'b' },
      ]) {
        expect(await collect(db.keys(range))).toEqual([]);
        expect(await collect(db.keys({ ...range, reverse: true }))).toEqual([]);
        expect(await db.count(range)).toBe(0);
        await db.clear(range);
      }
      expect(await db.count()).toBe(3);
    },
  },
  {
    name: 'a_limit_cuts_a_scan',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      const keys = Array.from({ length: 300 }, (_, number) => `key${String(number).padStart(3, '0')}`);
      await db.setMany(keys.map((key) => [key, 'v'] as const));
      for (const limit of [0, 1, 63, 64, 65, 128, 299, 300, 301, 1_000_000]) {
        expect(await collect(db.keys({ limit }))).toEqual(keys.slice(0, limit));
        expect(await collect(db.keys({ limit, reverse: true }))).toEqual(keys.toReversed().slice(0, limit));
      }
      expect(await collect(db.keys({ gte: 'key010', limit: 2 }))).toEqual(['key010', 'key011']);
    },
  },
  {
    name: 'count_agrees_with_a_scan',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      await db.setMany(Array.from({ length: 500 }, (_, number) => [`key${number}`, 'v'] as const));
      await db.clear({ prefix: 'key3' });
      await db.delete('key1');
      await db.set('new', 'v');
      for (const range of [
        undefined,
        { prefix: 'key1' },
        { prefix: 'key3' },
        { gt: 'key2', lte: 'key4' },
        { lt: 'a' },
      ]) {
        expect(await db.count(range)).toBe((await collect(db.keys(range))).length);
      }
    },
  },
  {
    name: 'clear_removes_everything',
    async run(trial) {
      const db = await trial.text();
      await db.setMany(Array.from({ length: 1000 }, (_, number) => [`key${number}`, 'v'] as const));
      await db.clear();
      expect(await db.count()).toBe(0);
      expect(await db.getMany(['key0', 'key999'])).toEqual([undefined, undefined]);
      await db.set('key0', 'again');
      expect(await collect(db.entries())).toEqual([['key0', 'again']]);
    },
  },
  {
    name: 'clear_removes_only_its_range',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      await db.setMany(['a', 'b', 'b1', 'b2', 'c', 'd'].map((key) => [key, 'v'] as const));
      await db.clear({ prefix: 'b' });
      expect(await collect(db.keys())).toEqual(['a', 'c', 'd']);
      await db.clear({ gt: 'c' });
      expect(await collect(db.keys())).toEqual(['a', 'c']);
      await db.clear({ lt: 'a' });
      await db.clear({ lte: 'a' });
      expect(await collect(db.keys())).toEqual(['c']);
    },
  },
  {
    name: 'many_small_clears_leave_the_rest',
    needs: 'orderedScans',
    async run(trial) {
      const db = await trial.text();
      const key = (number: number) => `key${String(number).padStart(4, '0')}`;
      await db.setMany(Array.from({ length: 2000 }, (_, number) => [key(number), 'v'] as const));
      await Promise.all(
        Array.from({ length: 500 }, (_, number) =>
          db.clear({ gte: key(number * 4), lt: key(number * 4 + 3) }),
        ),
      );
      expect(await collect(db.keys())).toEqual(
        Array.from({ length: 500 }, (_, number) => key(number * 4 + 3)),
      );
      expect(await db.has(key(0))).toBe(false);
      expect(await db.count()).toBe(500);
    },
  },
];
