import { expect } from 'vitest';
import { failure } from '../failure.js';
import { bytes, type Case } from './case.js';

/** Batches with checks, and counters. */
export const checks: Case[] = [
  {
    name: 'a_batch_whose_checks_hold_is_applied',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      await db.set('here', 'value');
      await db.batch([{ type: 'set', key: 'done', value: 'yes' }], {
        checks: [
          { key: 'here', equals: 'value' },
          { key: 'here', exists: true },
          { key: 'absent', exists: false },
        ],
      });
      expect(await db.get('done')).toBe('yes');
    },
  },
  {
    name: 'a_failed_check_refuses_the_whole_batch',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      await db.set('here', 'value');
      for (const check of [
        { key: 'here', equals: 'other' },
        { key: 'here', equals: '' },
        { key: 'here', exists: false },
        { key: 'absent', exists: true },
        { key: 'absent', equals: '' },
      ]) {
        const error = await failure(() =>
          db.batch(
            [
              { type: 'set', key: 'done', value: 'yes' },
              { type: 'delete', key: 'here' },
            ],
            { checks: [{ key: 'here', exists: true }, check] },
          ),
        );
        expect(error).toMatchObject({ code: 'HIT_CONFLICT', retryable: true });
      }
      expect(await db.getMany(['here', 'done'])).toEqual(['value', undefined]);
    },
  },
  {
    name: 'checks_see_the_state_before_their_batch',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      await db.batch(
        [
          { type: 'set', key: 'a', value: '1' },
          { type: 'set', key: 'a', value: '2' },
        ],
        { checks: [{ key: 'a', exists: false }] },
      );
      // Not awaited: the second sees what the first has left.
      const first = db.batch([{ type: 'set', key: 'a', value: '3' }], {
        checks: [{ key: 'a', equals: '2' }],
      });
      const second = failure(() =>
        db.batch([{ type: 'set', key: 'a', value: '4' }], { checks: [{ key: 'a', equals: '2' }] }),
      );
      await first;
      expect(await second).toMatchObject({ code: 'HIT_CONFLICT' });
      expect(await db.get('a')).toBe('3');
    },
  },
  {
    name: 'a_check_without_operations_only_checks',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      await db.batch([], { checks: [{ key: 'a', exists: false }] });
      expect(await failure(() => db.batch([], { checks: [{ key: 'a', exists: true }] }))).toMatchObject({
        code: 'HIT_CONFLICT',
      });
    },
  },
  {
    name: 'equals_compares_bytes',
    needs: 'checks',
    async run(trial) {
      const db = await trial.bytes();
      await db.set(bytes('a'), bytes(0, 1, 2));
      const set = { type: 'set' as const, key: bytes('done'), value: bytes(1) };
      for (const other of [bytes(0, 1), bytes(0, 1, 2, 0), bytes(0, 1, 3)]) {
        const error = await failure(() => db.batch([set], { checks: [{ key: bytes('a'), equals: other }] }));
        expect(error).toMatchObject({ code: 'HIT_CONFLICT' });
      }
      await db.batch([set], { checks: [{ key: bytes('a'), equals: bytes(0, 1, 2) }] });
      expect(await db.has(bytes('done'))).toBe(true);
    },
  },
  {
    name: 'increments_start_at_zero_and_add_up',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      expect(await db.increment('hits', 1n)).toBe(1n);
      expect(await db.increment('hits', 41n)).toBe(42n);
      expect(await db.increment('hits', -50n)).toBe(-8n);
      expect(await db.increment('hits', 0n)).toBe(-8n);
      expect(await db.get('hits')).toBe('-8');
      await db.set('hits', '100');
      expect(await db.increment('hits', 1n)).toBe(101n);
    },
  },
  {
    name: 'increments_that_are_not_awaited_all_count',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      const results = await Promise.all(Array.from({ length: 200 }, () => db.increment('hits', 1n)));
      expect(results).toEqual(Array.from({ length: 200 }, (_, index) => BigInt(index + 1)));
      expect(await db.get('hits')).toBe('200');
    },
  },
  {
    name: 'an_increment_of_other_text_is_refused',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      for (const text of [
        '',
        ' 1',
        '1 ',
        '1.5',
        '1e3',
        '0x10',
        'one',
        '9223372036854775808',
        '-9223372036854775809',
      ]) {
        await db.set('key', text);
        expect(await failure(() => db.increment('key', 1n)), text).toMatchObject({
          code: 'HIT_VALUE_INVALID',
        });
        expect(await db.get('key')).toBe(text);
      }
    },
  },
  {
    name: 'an_increment_past_64_bits_is_refused',
    needs: 'checks',
    async run(trial) {
      const db = await trial.text();
      expect(await db.increment('up', 9223372036854775807n)).toBe(9223372036854775807n);
      expect(await failure(() => db.increment('up', 1n))).toMatchObject({ code: 'HIT_VALUE_INVALID' });
      expect(await db.increment('down', -9223372036854775808n)).toBe(-9223372036854775808n);
      expect(await failure(() => db.increment('down', -1n))).toMatchObject({ code: 'HIT_VALUE_INVALID' });
      expect(await db.getMany(['up', 'down'])).toEqual(['9223372036854775807', '-9223372036854775808']);
    },
  },
];
