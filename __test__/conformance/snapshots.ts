import { expect } from 'vitest';
import { collect, until } from '../collect.js';
import type { Case } from './case.js';

const key = (number: number) => `key${String(number).padStart(4, '0')}`;

/** Scans of one moment. */
export const snapshots: Case[] = [
  {
    name: 'a_scan_sees_one_moment',
    needs: 'snapshots',
    async run(trial) {
      const db = await trial.text();
      const before = Array.from({ length: 1000 }, (_, number) => [key(number), 'before'] as [string, string]);
      await db.setMany(before);
      const found: [string, string][] = [];
      for await (const entry of db.entries()) {
        found.push(entry);
        const number = found.length;
        if (number % 100 !== 0) continue;
        await Promise.all([
          db.set(key(number + 500), 'after'),
          db.delete(key(number + 1)),
          db.set(key(number + 2), 'replaced'),
          db.set(`${key(number)} between`, 'after'),
          db.set(`a${number}`, 'after'),
          db.set(`z${number}`, 'after'),
        ]);
      }
      expect(found).toEqual(before);
    },
  },
  {
    name: 'a_reverse_scan_sees_one_moment',
    needs: 'snapshots',
    async run(trial) {
      const db = await trial.text();
      const keys = Array.from({ length: 1000 }, (_, number) => key(number));
      await db.setMany(keys.map((each) => [each, 'before'] as const));
      const found: string[] = [];
      for await (const each of db.keys({ reverse: true })) {
        found.push(each);
        if (found.length % 100 === 0)
          await Promise.all([db.delete(key(999 - found.length)), db.set(`${each} between`, 'after')]);
      }
      expect(found).toEqual(keys.toReversed());
    },
  },
  {
    name: 'a_clear_is_not_seen_by_a_scan_that_has_begun',
    needs: 'snapshots',
    async run(trial) {
      const db = await trial.text();
      await db.setMany(Array.from({ length: 1000 }, (_, number) => [key(number), 'before'] as const));
      let found = 0;
      for await (const [, value] of db.entries()) {
        expect(value).toBe('before');
        found += 1;
        if (found === 10) {
          await db.clear();
          await db.setMany([[key(500), 'after']]);
        }
      }
      expect(found).toBe(1000);
      expect(await collect(db.entries())).toEqual([[key(500), 'after']]);
    },
  },
  {
    name: 'a_batch_is_seen_whole_by_every_scan',
    needs: 'snapshots',
    async run(trial) {
      const db = await trial.text();
      const move = (round: number) =>
        db.batch([
          { type: 'set', key: 'a', value: String(100 - round) },
          { type: 'set', key: 'z', value: String(round) },
        ]);
      await move(0);
      for (let round = 1; round <= 50; round += 1) {
        const moving = move(round);
        const values = await collect(db.values());
        expect(values.map(Number).reduce((sum, value) => sum + value, 0)).toBe(100);
        await moving;
      }
    },
  },
  {
    name: 'a_scan_that_ends_gives_up_its_snapshot',
    needs: 'snapshots',
    async run(trial) {
      const db = await trial.text();
      await db.setMany(Array.from({ length: 1000 }, (_, number) => [key(number), 'v'] as const));
      expect(db.stats().oldestSnapshotMs).toBe(0);
      const scan = db.keys();
      await scan.next();
      await until(() => db.stats().oldestSnapshotMs > 0);
      await scan.return?.();
      expect(db.stats().oldestSnapshotMs).toBe(0);
      for await (const each of db.keys()) if (each === key(3)) break;
      expect(db.stats().oldestSnapshotMs).toBe(0);
      await collect(db.entries());
      expect(db.stats().oldestSnapshotMs).toBe(0);
    },
  },
];
