import { expect } from 'vitest';
import { failure } from '../failure.js';
import type { Case } from './case.js';

/** Order, reading one's own writes, batches. */
export const order: Case[] = [
  {
    name: 'writes_are_read_before_they_are_awaited',
    async run(trial) {
      const db = await trial.text();
      const writes = [db.set('a', '1'), db.set('b', '2'), db.delete('a'), db.set('c', '3')];
      expect(await db.getMany(['a', 'b', 'c'])).toEqual([undefined, '2', '3']);
      writes.push(db.set('a', '4'));
      expect(await db.get('a')).toBe('4');
      await Promise.all(writes);
      expect(await db.getMany(['a', 'b', 'c'])).toEqual(['4', '2', '3']);
    },
  },
  {
    name: 'the_last_write_of_a_key_wins',
    async run(trial) {
      const db = await trial.text();
      const writes = Array.from({ length: 5000 }, (_, number) => db.set(`key${number % 3}`, String(number)));
      expect(await db.getMany(['key0', 'key1', 'key2'])).toEqual(['4998', '4999', '4997']);
      await Promise.all(writes);
      expect(await db.getMany(['key0', 'key1', 'key2'])).toEqual(['4998', '4999', '4997']);
    },
  },
  {
    name: 'sets_deletes_and_clears_of_a_key_keep_their_order',
    async run(trial) {
      const db = await trial.text();
      const done = [
        db.set('set last', '1'),
        db.delete('set last'),
        db.set('deleted last', '1'),
        db.clear(),
        db.set('set last', '2'),
        db.set('deleted last', '2'),
        db.set('cleared last', '1'),
        db.delete('deleted last'),
        db.clear({ gte: 'cleared', lt: 'clearer' }),
      ];
      await Promise.all(done);
      expect(await db.getMany(['set last', 'deleted last', 'cleared last'])).toEqual([
        '2',
        undefined,
        undefined,
      ]);
    },
  },
  {
    name: 'flush_settles_after_the_writes_before_it',
    async run(trial) {
      const db = await trial.text();
      const settled: string[] = [];
      const write = db.set('key', 'value').then(() => settled.push('write'));
      const flush = db.flush().then(() => settled.push('flush'));
      await Promise.all([write, flush]);
      expect(settled).toEqual(['write', 'flush']);
      await db.set('unsynced', 'value', { durability: 'memory' });
      await db.flush();
      await db.flush();
    },
  },
  {
    name: 'a_batch_takes_effect_as_a_whole',
    needs: 'atomicBatch',
    async run(trial) {
      const db = await trial.text();
      await db.set('from', '10');
      const batch = db.batch([
        { type: 'delete', key: 'from' },
        { type: 'set', key: 'to', value: '10' },
      ]);
      expect(await db.getMany(['from', 'to'])).toEqual([undefined, '10']);
      await batch;
      expect(await db.getMany(['from', 'to'])).toEqual([undefined, '10']);
    },
  },
  {
    name: 'the_last_operation_of_a_batch_on_a_key_wins',
    needs: 'atomicBatch',
    async run(trial) {
      const db = await trial.text();
      await db.batch([
        { type: 'set', key: 'a', value: '1' },
        { type: 'delete', key: 'a' },
        { type: 'set', key: 'a', value: '2' },
        { type: 'set', key: 'b', value: '1' },
        { type: 'delete', key: 'b' },
      ]);
      expect(await db.getMany(['a', 'b'])).toEqual(['2', undefined]);
      expect(await db.count()).toBe(1);
    },
  },
  {
    name: 'an_empty_batch_succeeds',
    async run(trial) {
      const db = await trial.text();
      await db.batch([]);
      await db.setMany([]);
      await db.deleteMany([]);
      expect(await db.count()).toBe(0);
    },
  },
  {
    name: 'a_large_batch_takes_effect_as_a_whole',
    needs: 'atomicBatch',
    async run(trial) {
      const db = await trial.text();
      const value = 'v'.repeat(1000);
      const operations = Array.from({ length: 5000 }, (_, number) => ({
        type: 'set' as const,
        key: `key${number}`,
        value,
      }));
      const batch = db.batch(operations);
      expect(await db.count()).toBe(5000);
      await batch;
      expect(await db.get('key4999')).toBe(value);
    },
  },
  {
    name: 'a_bad_operation_refuses_the_whole_batch',
    needs: 'atomicBatch',
    async run(trial) {
      const db = await trial.text();
      await db.set('kept', '1');
      for (const key of ['', 'x'.repeat(2049)]) {
        const error = await failure(() =>
          db.batch([
            { type: 'set', key: 'new', value: '1' },
            { type: 'delete', key: 'kept' },
            { type: 'set', key, value: '1' },
          ]),
        );
        expect(error).toMatchObject({ code: 'HIT_KEY_INVALID' });
      }
      expect(await db.getMany(['new', 'kept'])).toEqual([undefined, '1']);
    },
  },
  {
    name: 'a_batch_stands_between_the_writes_around_it',
    needs: 'atomicBatch',
    async run(trial) {
      const db = await trial.text();
      const done = [
        db.set('a', 'before'),
        db.set('b', 'before'),
        db.batch([
          { type: 'set', key: 'a', value: 'batch' },
          { type: 'set', key: 'b', value: 'batch' },
          { type: 'set', key: 'c', value: 'batch' },
        ]),
        db.set('b', 'after'),
        db.delete('c'),
      ];
      expect(await db.getMany(['a', 'b', 'c'])).toEqual(['batch', 'after', undefined]);
      await Promise.all(done);
      expect(await db.getMany(['a', 'b', 'c'])).toEqual(['batch', 'after', undefined]);
    },
  },
];
