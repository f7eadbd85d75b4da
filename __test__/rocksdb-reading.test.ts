import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { open, type Store } from '../index.js';
import { failure } from './failure.js';
import { closing, temporaryFolder } from './place.js';

const ENTRIES = 5_000;
let path: string;
let db: Store<string>;

/** A store whose entries are in files, and no longer among the writes on their way. */
beforeEach(async () => {
  path = join(await temporaryFolder(), 'rocks');
  const filling = await open(`rocksdb:${path}`, { durability: 'os' });
  await filling.setMany(Array.from({ length: ENTRIES }, (_, at) => [keyAt(at), `value ${at}`] as const));
  await filling.compact();
  await filling.close();
  db = closing(await open(`rocksdb:${path}`));
});

const keyAt = (at: number) => `key${String(at).padStart(5, '0')}`;

test('reads give what is in files, with promises and without', async () => {
  expect(await db.get(keyAt(7))).toBe('value 7');
  expect(await Promise.all([db.get(keyAt(8)), db.get('absent'), db.has(keyAt(9)), db.has('absent')])).toEqual(
    ['value 8', undefined, true, false],
  );
  expect(await db.getEntry(keyAt(7))).toEqual({ value: 'value 7' });
  expect(await db.getMany([keyAt(1), 'absent', keyAt(1), keyAt(4999)])).toEqual([
    'value 1',
    undefined,
    'value 1',
    'value 4999',
  ]);
  expect([db.getSync(keyAt(7)), db.hasSync('absent')]).toEqual(['value 7', false]);
});

test('a read sees the write before it, and not the one behind it', async () => {
  const key = keyAt(100);
  const before = db.get(key);
  const written = db.set(key, 'new');
  const [mixed, after] = [db.getMany([keyAt(99), key]), db.get(key)];
  const gone = db.delete(keyAt(99));
  expect(await Promise.all([before, mixed, after])).toEqual(['value 100', ['value 99', 'new'], 'new']);
  await Promise.all([written, gone]);
  expect(await db.has(keyAt(99))).toBe(false);
});

test('has looks at no value, and get names the key whose value is no text', async () => {
  const bytes = await open(`rocksdb:${path}`, { valueEncoding: 'binary' });
  await bytes.set('bytes', Uint8Array.of(0xff));
  await bytes.flush();
  await bytes.close();
  expect(await db.has('bytes')).toBe(true);
  const [bad, good] = await Promise.allSettled([db.get('bytes'), db.get(keyAt(3))]);
  expect(bad).toMatchObject({ reason: { code: 'HIT_VALUE_INVALID', keys: ['bytes'] } });
  expect(good).toMatchObject({ value: 'value 3' });
});

test('a scan with promises gives every entry once and in order, while others write', async () => {
  for (const reverse of [false, true]) {
    const seen: string[] = [];
    for await (const [key, value] of db.entries({ prefix: 'key', reverse })) {
      expect(value).toBe(`value ${Number(key.slice(3))}`);
      seen.push(key);
      // Behind the moment of the scan, in front of it and behind it.
      if (seen.length % 1_000 === 0) {
        await db.batch([
          { type: 'set', key: `${key}!`, value: 'late' },
          { type: 'delete', key: `${key}!` },
        ]);
      }
    }
    const expected = Array.from({ length: ENTRIES }, (_, at) => keyAt(at));
    expect(seen).toEqual(reverse ? expected.reverse() : expected);
  }
});

test('a scan lets the event loop turn', async () => {
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  let count = 0;
  for await (const _ of db.keys()) count++;
  isOver = true;
  expect(count).toBe(ENTRIES);
  // A page has 64 entries.
  expect(turns).toBeGreaterThan(ENTRIES / 64 / 2);
});

test('scans that are read ahead end with the store', async () => {
  const scans = Array.from({ length: 20 }, () => db.entries());
  await Promise.all(scans.map((scan) => scan.next()));
  expect(db.stats().oldestSnapshotMs).toBeGreaterThanOrEqual(0);
  expect(db.stats().rocksdb).toMatchObject({ snapshots: 20 });
  await scans[0]?.return?.();
  await db.close();
  for (const scan of scans.slice(1, 3)) {
    const rest = async () => {
      for await (const _ of scan);
    };
    expect(await failure(rest)).toMatchObject({ code: 'HIT_NOT_OPEN' });
  }
});

test('a scan that is ended gives its snapshot back', async () => {
  for await (const _ of db.keys()) break;
  for await (const _ of db.values({ limit: 100 }));
  for await (const _ of db.entries());
  for (const _ of db.keysSync()) break;
  expect(db.stats().oldestSnapshotMs).toBe(0);
  // RocksDB's own goes with what was still being read ahead.
  await vi.waitUntil(() => (db.stats().rocksdb as { snapshots: number }).snapshots === 0);
});
