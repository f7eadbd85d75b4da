import { expect } from 'vitest';
import { collect } from '../collect.js';
import { failure } from '../failure.js';
import { bytes, type Case } from './case.js';

/** Closing, and what is there after opening again. */
export const reopening: Case[] = [
  {
    name: 'a_closed_store_refuses_everything',
    async run(trial) {
      const db = await trial.text();
      await db.set('key', 'value');
      await db.close();
      for (const call of [
        () => db.get('key'),
        () => db.getMany(['key']),
        () => db.has('key'),
        () => db.set('key', 'other'),
        () => db.delete('key'),
        () => db.clear(),
        () => db.batch([{ type: 'set', key: 'key', value: 'other' }]),
        () => db.count(),
        () => collect(db.entries()),
        () => db.flush(),
      ]) {
        expect(await failure(call), String(call)).toMatchObject({ code: 'HIT_NOT_OPEN' });
      }
    },
  },
  {
    name: 'closing_twice_is_nothing',
    async run(trial) {
      const db = await trial.text();
      const closes = [db.close(), db.close()];
      await Promise.all(closes);
      await db.close();
    },
  },
  {
    name: 'pending_writes_settle_before_close_does',
    async run(trial) {
      const db = await trial.text();
      const settled: string[] = [];
      const writes = [
        db.set('a', '1').then(() => settled.push('write')),
        db.batch([{ type: 'set', key: 'b', value: '1' }]).then(() => settled.push('write')),
      ];
      await db.close().then(() => settled.push('close'));
      await Promise.all(writes);
      expect(settled).toEqual(['write', 'write', 'close']);
    },
  },
  {
    name: 'everything_is_there_after_reopening',
    needs: 'reopening',
    async run(trial) {
      const first = await trial.bytes();
      const value = (number: number) => new Uint8Array((number * 97) % 5000).fill(number);
      await Promise.all(
        Array.from({ length: 500 }, (_, number) => first.set(bytes(`key${number}`), value(number))),
      );
      await first.batch([
        { type: 'set', key: bytes(0), value: bytes('zero') },
        { type: 'set', key: bytes(0xff, 0xfe), value: bytes() },
      ]);
      await first.close();
      const again = await trial.bytes();
      expect(await again.count()).toBe(502);
      for (let number = 0; number < 500; number += 1) {
        expect(Buffer.compare((await again.get(bytes(`key${number}`))) as Uint8Array, value(number))).toBe(0);
      }
      expect(await again.getMany([bytes(0), bytes(0xff, 0xfe)])).toEqual([bytes('zero'), bytes()]);
    },
  },
  {
    name: 'deletes_and_clears_hold_after_reopening',
    needs: 'reopening',
    async run(trial) {
      const first = await trial.text();
      await first.setMany(Array.from({ length: 100 }, (_, number) => [`key${number}`, '1'] as const));
      await first.delete('key1');
      await first.clear({ prefix: 'key5' });
      await first.set('key55', 'again');
      await first.close();
      const second = await trial.text();
      expect(await second.getMany(['key0', 'key1', 'key5', 'key50', 'key55'])).toEqual([
        '1',
        undefined,
        undefined,
        undefined,
        'again',
      ]);
      expect(await second.count()).toBe(89);
      await second.clear();
      await second.set('only', '1');
      await second.close();
      const third = await trial.text();
      expect(await collect(third.entries())).toEqual([['only', '1']]);
    },
  },
  {
    name: 'expiries_hold_after_reopening',
    needs: 'reopening',
    async run(trial) {
      const expiresAt = Date.now() + 3_600_000;
      const first = await trial.text();
      await first.set('later', '1', { expiresAt });
      await first.set('expired', '1');
      await first.set('expired', '2', { expiresAt: 1 });
      await first.set('cleared', '1', { expiresAt });
      await first.set('cleared', '2');
      await first.set('hits', '1', { expiresAt });
      if (first.supports.checks) await first.increment('hits', 1n);
      await first.close();
      const again = await trial.text();
      expect(await again.getEntry('later')).toEqual({ value: '1', expiresAt });
      expect(await again.getEntry('expired')).toBeUndefined();
      expect(await again.getEntry('cleared')).toEqual({ value: '2' });
      expect(await again.getEntry('hits')).toEqual({ value: first.supports.checks ? '2' : '1', expiresAt });
      expect(await again.count()).toBe(3);
    },
  },
  {
    name: 'a_refused_batch_is_not_there_after_reopening',
    needs: 'reopening',
    async run(trial) {
      const first = await trial.text();
      await first.set('a', '1');
      if (first.supports.checks) {
        const refused = () =>
          first.batch([{ type: 'set', key: 'b', value: '1' }], { checks: [{ key: 'a', equals: '2' }] });
        expect(await failure(refused)).toMatchObject({ code: 'HIT_CONFLICT' });
      }
      const bad = () =>
        first.batch([
          { type: 'set', key: 'c', value: '1' },
          { type: 'set', key: '', value: '1' },
        ]);
      expect(await failure(bad)).toMatchObject({ code: 'HIT_KEY_INVALID' });
      await first.close();
      const again = await trial.text();
      expect(await collect(again.entries())).toEqual([['a', '1']]);
    },
  },
  {
    name: 'unsynced_writes_are_there_after_a_close',
    needs: 'reopening',
    async run(trial) {
      const first = await trial.text();
      await first.set('memory', '1', { durability: 'memory' });
      await first.set('os', '1', { durability: 'os' });
      void first.set('not awaited', '1', { durability: 'memory' });
      await first.close();
      const again = await trial.text();
      expect(await again.getMany(['memory', 'os', 'not awaited'])).toEqual(['1', '1', '1']);
    },
  },
  {
    name: 'a_store_is_opened_many_times',
    needs: 'reopening',
    async run(trial) {
      for (let round = 0; round < 10; round += 1) {
        const db = await trial.text();
        expect(await db.count()).toBe(round);
        await db.set(`key${round}`, String(round));
        await db.close();
      }
    },
  },
];
