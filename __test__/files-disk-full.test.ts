import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HitError, open, type Store } from '../index.js';
import { collect } from './collect.js';
import { failure } from './failure.js';
import { cannotMount, smallDisk } from './mounted.js';

const why = cannotMount();

const mebibyte = 1_048_576;
const segments = { file: { segmentBytes: 262_144 } };
const value = (number: number) => `${number} ${'v'.repeat(3000)}`;

/** Sets keys until the disk is full; every key that was acknowledged, and the first error. */
async function fill(db: Store<string>): Promise<{ kept: string[]; error: HitError; rejected: string }> {
  const kept: string[] = [];
  for (let number = 0; number < 10_000; number += 1) {
    const key = `key${String(number).padStart(5, '0')}`;
    try {
      await db.set(key, value(number));
      kept.push(key);
    } catch (error) {
      if (!HitError.is(error)) throw error;
      return { kept, error, rejected: key };
    }
  }
  throw new Error('the disk was never full');
}

describe.skipIf(why)(`a full disk${why ? ` (skipped: ${why})` : ''}`, () => {
  test('rejects writes, answers reads, takes deletes, and keeps what it acknowledged', async () => {
    const disk = await smallDisk(8 * mebibyte);
    const url = `file:${disk}/store`;
    const db = await open(url, segments);
    const { kept, error, rejected } = await fill(db);
    expect(error).toMatchObject({ code: 'HIT_DISK_FULL', retryable: true });
    expect(error.keys).toEqual([rejected]);
    expect(kept.length).toBeGreaterThan(500);

    // What was rejected is not visible, and reads go on.
    expect(db.getSync(rejected)).toBeUndefined();
    expect(await db.get(kept[0] as string)).toBe(value(0));
    expect(await collect(db.keys())).toEqual(kept);

    // More of the same is rejected, and none of it is ever seen.
    for (let tries = 0; tries < 10; tries += 1) {
      expect(await failure(() => db.set(`more${tries}`, value(tries)))).toMatchObject({
        code: 'HIT_DISK_FULL',
      });
      const batch = () =>
        db.batch([
          { type: 'set', key: 'a', value: value(0) },
          { type: 'set', key: 'b', value: value(0) },
        ]);
      expect(await failure(batch)).toMatchObject({ code: 'HIT_DISK_FULL' });
    }
    expect(await db.count()).toBe(kept.length);

    // Deletes have a reserve.
    const deleted = kept.splice(0, 50);
    for (const key of deleted) await db.delete(key);
    expect(await db.getMany(deleted)).toEqual(deleted.map(() => undefined));
    expect(await collect(db.keys())).toEqual(kept);

    await db.close();
    const again = await open(url, segments);
    expect(await collect(again.keys())).toEqual(kept);
    for (const key of kept) expect(again.getSync(key)).toBe(value(Number(key.slice(3))));
    await again.close();
  });

  test('compaction gives back what deletes have freed, out of a reserve that grows with the log', async () => {
    const disk = await smallDisk(24 * mebibyte);
    const url = `file:${disk}/store`;
    // Without the compaction in the background, which would keep the disk from being full of what is dead.
    const db = await open(url, { file: { segmentBytes: 4 * mebibyte, compaction: false } });
    const { kept } = await fill(db);
    const deleted = kept.filter((_, number) => number % 2 === 0);
    for (const key of deleted) await db.delete(key);
    const before = db.stats().diskBytes;
    await db.compact();
    expect(db.stats().diskBytes).toBeLessThan(before * 0.6);
    await db.set('after', value(0));
    const left = kept.filter((_, number) => number % 2 === 1);
    expect(await collect(db.keys())).toEqual(['after', ...left]);
    await db.close();
    const again = await open(url);
    expect(await collect(again.keys())).toEqual(['after', ...left]);
    for (const key of left) expect(again.getSync(key)).toBe(value(Number(key.slice(3))));
    await again.close();
  });

  test('writes work again when there is space again', async () => {
    const disk = await smallDisk(8 * mebibyte);
    const url = `file:${disk}/store`;
    writeFileSync(`${disk}/ballast`, Buffer.alloc(3 * mebibyte));
    const db = await open(url, segments);
    const { kept, error } = await fill(db);
    expect(error.code).toBe('HIT_DISK_FULL');
    rmSync(`${disk}/ballast`);
    for (let number = 0; number < 100; number += 1) {
      await db.set(`z${number}`, value(number));
      kept.push(`z${number}`);
    }
    await db.flush();
    await db.close();
    const again = await open(url, segments);
    expect(await collect(again.keys())).toEqual([...kept].sort());
    await again.close();
  });

  test('writes in flight reject or are kept, each as it was answered', async () => {
    const disk = await smallDisk(4 * mebibyte);
    const url = `file:${disk}/store`;
    const db = await open(url, segments);
    const expected = new Map<string, string>();
    let rejected = 0;
    for (let round = 0; round < 60; round += 1) {
      const turns: Promise<void>[] = [];
      for (let turn = 0; turn < 5; turn += 1) {
        const key = `key${round % 30}-${turn}`;
        const wanted = `${round} ${'v'.repeat(8000)}`;
        // A batch of its own, so that what was answered says what is there.
        const operations = [`${key}a`, `${key}b`].map((each) => ({
          type: 'set' as const,
          key: each,
          value: wanted,
        }));
        turns.push(
          db.batch(operations).then(
            () => void operations.forEach((each) => void expected.set(each.key, each.value)),
            (error: HitError) => {
              expect(error.code).toBe('HIT_DISK_FULL');
              rejected += 1;
            },
          ),
        );
        await null;
      }
      await Promise.all(turns);
      expect(new Map(db.entriesSync())).toEqual(expected);
    }
    expect(rejected).toBeGreaterThan(0);
    await db.close();
    const again = await open(url, segments);
    expect(new Map(again.entriesSync())).toEqual(expected);
    await again.close();
  });

  test('a shared promise that rejects names the writes that failed, and the others are there', async () => {
    const disk = await smallDisk(4 * mebibyte);
    const url = `file:${disk}/store`;
    const db = await open(url, segments);
    const expected = new Map<string, string>();
    let rejected = 0;
    let kept = 0;
    // A turn is more than one buffer holds, so that a part of it may fail.
    for (let turn = 0; turn < 20; turn += 1) {
      const entries = Array.from(
        { length: 60 },
        (_, number) => [`${turn}:${number}`, `${turn} ${'v'.repeat(6000)}`] as const,
      );
      const results = await Promise.allSettled(entries.map(([key, value]) => db.set(key, value)));
      const failures = results
        .filter((result) => result.status === 'rejected')
        .map((result) => result.reason as HitError);
      for (const error of failures) expect(error.code).toBe('HIT_DISK_FULL');
      const failed = new Set(failures.flatMap((error) => error.keys ?? []));
      for (const [key, value] of entries) if (!failed.has(key)) expected.set(key, value);
      rejected += failed.size;
      kept += entries.length - failed.size;
      expect([...db.keysSync()].sort()).toEqual([...expected.keys()].sort());
    }
    expect(rejected).toBeGreaterThan(0);
    expect(kept).toBeGreaterThan(100);
    await db.close();
    const again = await open(url, segments);
    expect(new Map(again.entriesSync())).toEqual(expected);
    await again.close();
  });

  test('a write answered before the disk was full is reported by flush, by stats and to onError', async () => {
    const disk = await smallDisk(4 * mebibyte);
    const url = `file:${disk}/store`;
    const reported: HitError[] = [];
    const db = await open(url, {
      ...segments,
      durability: 'memory',
      onError: (error) => reported.push(error),
    });
    const failed: unknown[] = [];
    for (let number = 0; number < 2000; number += 1)
      await db.set(`key${number}`, value(number)).catch((error) => failed.push(error));
    const lost = await failure(() => db.flush());
    expect(lost).toMatchObject({ code: 'HIT_DISK_FULL' });
    expect(db.stats().lastError).toMatchObject({ code: 'HIT_DISK_FULL' });
    expect(reported.length).toBeGreaterThan(0);
    for (const error of reported) expect(HitError.is(error)).toBe(true);
    // It was reported; what is there now is what a reader sees, and it stays.
    const seen = [...db.keysSync()];
    await db.close().catch((error) => expect(error).toMatchObject({ code: 'HIT_DISK_FULL' }));
    const again = await open(url, segments);
    expect([...again.keysSync()]).toEqual(seen);
    await again.close();
  });

  test('close ends and gives the lock back while the disk is full', async () => {
    const disk = await smallDisk(4 * mebibyte);
    const url = `file:${disk}/store`;
    const db = await open(url, segments);
    const { kept } = await fill(db);
    const late = failure(() => db.set('late', value(1)));
    await db.close();
    expect(await late).toMatchObject({ code: 'HIT_DISK_FULL' });
    const again = await open(url, segments);
    expect(await collect(again.keys())).toEqual(kept);
    await again.close();
  });

  test('a store cannot be made on a full disk, and the error says so', async () => {
    const disk = await smallDisk(mebibyte);
    try {
      writeFileSync(`${disk}/ballast`, Buffer.alloc(2 * mebibyte));
    } catch {
      // It is full now.
    }
    const error = await failure(async () => {
      const db = await open(`file:${disk}/store`, segments);
      try {
        await db.set('key', value(1));
      } finally {
        await db.close();
      }
    });
    expect(error).toMatchObject({ code: 'HIT_DISK_FULL' });
    rmSync(`${disk}/ballast`);
    const db = await open(`file:${disk}/store`, segments);
    await db.set('key', 'value');
    await db.close();
  });
});
