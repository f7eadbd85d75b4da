import { expect } from 'vitest';
import { collect, until } from '../collect.js';
import { failure } from '../failure.js';
import type { Case } from './case.js';

const anHour = 3_600_000;

/** Entries that expire. Where it can be, the expiry lies far in the past or future, so that no test is timed. */
export const expiry: Case[] = [
  {
    name: 'an_entry_past_its_expiry_is_not_seen',
    needs: 'ttl',
    async run(trial) {
      const db = await trial.text();
      await db.set('before', '1');
      await db.set('expired', '1', { expiresAt: 1 });
      await db.set('replaced', '1');
      await db.set('replaced', '2', { expiresAt: Date.now() - 1 });
      await db.batch([{ type: 'set', key: 'in a batch', value: '1', expiresAt: 1 }]);
      expect(await db.getMany(['before', 'expired', 'replaced', 'in a batch'])).toEqual([
        '1',
        undefined,
        undefined,
        undefined,
      ]);
      expect(await db.has('expired')).toBe(false);
      expect(await db.getEntry('expired')).toBeUndefined();
      expect(await collect(db.keys())).toEqual(['before']);
      expect(await db.count()).toBe(1);
      expect(await db.count({ gt: 'before' })).toBe(0);
    },
  },
  {
    name: 'an_entry_is_seen_until_it_expires',
    needs: 'ttl',
    async run(trial) {
      const db = await trial.text();
      const before = Date.now();
      await db.set('soon', '1', { ttlMs: 40 });
      await db.set('later', '1', { ttlMs: anHour });
      await until(async () => !(await db.has('soon')));
      expect(Date.now() - before).toBeGreaterThanOrEqual(40);
      expect(await db.get('soon')).toBeUndefined();
      expect(await db.count()).toBe(1);
      expect(await collect(db.entries())).toEqual([['later', '1']]);
    },
  },
  {
    name: 'an_expiry_is_kept_to_the_millisecond',
    needs: 'ttl',
    async run(trial) {
      const db = await trial.text();
      const expiresAt = Date.now() + anHour;
      await db.set('key', '1', { expiresAt });
      expect(await db.getEntry('key')).toEqual({ value: '1', expiresAt });
      const before = Date.now();
      await db.set('key', '2', { ttlMs: anHour });
      const entry = await db.getEntry('key');
      expect(entry?.value).toBe('2');
      expect(entry?.expiresAt).toBeGreaterThanOrEqual(before + anHour);
      expect(entry?.expiresAt).toBeLessThanOrEqual(Date.now() + anHour);
    },
  },
  {
    name: 'a_set_clears_an_expiry',
    needs: 'ttl',
    async run(trial) {
      const db = await trial.text();
      await db.set('key', '1', { ttlMs: anHour });
      await db.set('key', '2');
      expect(await db.getEntry('key')).toEqual({ value: '2' });
      await db.set('key', '3', { expiresAt: 1 });
      await db.set('key', '4');
      expect(await db.getEntry('key')).toEqual({ value: '4' });
    },
  },
  {
    name: 'expire_gives_and_takes_an_expiry',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      await db.set('key', '1');
      const before = Date.now();
      expect(await db.expire('key', anHour)).toBe(true);
      const entry = await db.getEntry('key');
      expect(entry?.value).toBe('1');
      expect(entry?.expiresAt).toBeGreaterThanOrEqual(before + anHour);
      expect(await db.expire('key', null)).toBe(true);
      expect(await db.getEntry('key')).toEqual({ value: '1' });
    },
  },
  {
    name: 'expire_of_an_absent_key_says_so',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      await db.set('expired', '1', { expiresAt: 1 });
      expect(await db.expire('absent', anHour)).toBe(false);
      expect(await db.expire('expired', anHour)).toBe(false);
      expect(await db.expire('expired', null)).toBe(false);
      expect(await db.count()).toBe(0);
    },
  },
  {
    name: 'an_increment_keeps_an_expiry',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      const expiresAt = Date.now() + anHour;
      await db.set('hits', '1', { expiresAt });
      expect(await db.increment('hits', 1n)).toBe(2n);
      expect(await db.getEntry('hits')).toEqual({ value: '2', expiresAt });
    },
  },
  {
    name: 'an_expired_entry_is_absent_for_checks_and_counters',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      await db.set('key', '41', { expiresAt: 1 });
      expect(await failure(() => db.batch([], { checks: [{ key: 'key', equals: '41' }] }))).toMatchObject({
        code: 'HIT_CONFLICT',
      });
      await db.batch([], { checks: [{ key: 'key', exists: false }] });
      expect(await db.increment('key', 1n)).toBe(1n);
      expect(await db.getEntry('key')).toEqual({ value: '1' });
    },
  },
];
