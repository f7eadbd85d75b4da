import { describe, expect, test } from 'vitest';
import { open, type Store } from '../index.js';
import { collect, nextTurn } from './collect.js';
import { failure, thrown } from './failure.js';
import { closing, kinds } from './place.js';

describe.each(kinds)('scanning $kind', ({ url }) => {
  const keys = Array.from({ length: 1000 }, (_, number) => `key${String(number).padStart(4, '0')}`);
  const opened = async (): Promise<Store<string>> => {
    const db = closing(await open(await url()));
    await db.setMany(keys.map((key) => [key, `of ${key}`] as const));
    return db;
  };

  test('synchronous scans agree with asynchronous ones', async () => {
    const db = await opened();
    for (const scan of [
      {},
      undefined,
      { reverse: true },
      { prefix: 'key00', limit: 7 },
      { gt: 'key0100', lte: 'key0200' },
      { limit: 0 },
    ]) {
      expect([...db.entriesSync(scan)]).toEqual(await collect(db.entries(scan)));
      expect([...db.keysSync(scan)]).toEqual(await collect(db.keys(scan)));
      expect([...db.valuesSync(scan)]).toEqual(await collect(db.values(scan)));
    }
    expect(db.countSync({ prefix: 'key00' })).toBe(100);
  });

  test('an unlimited limit is no limit', async () => {
    const db = await opened();
    expect([...db.keysSync({ limit: Number.POSITIVE_INFINITY })]).toEqual(keys);
  });

  test('a synchronous scan sees one moment too', async () => {
    const db = await opened();
    const found: string[] = [];
    for (const [key, value] of db.entriesSync()) {
      found.push(key);
      expect(value).toBe(`of ${key}`);
      void db.set(key, 'replaced');
      void db.set(`${key} between`, 'new');
      if (found.length === 500) void db.clear({ gte: 'key0600' });
    }
    expect(found).toEqual(keys);
    await db.flush();
    expect(db.countSync()).toBe(1200 + 800);
  });

  test('scans at the same time each see their own moment', async () => {
    const db = await opened();
    const scans: [AsyncIterableIterator<string>, string[]][] = [];
    for (let round = 0; round < 5; round += 1) {
      const scan = db.keys();
      const first = (await scan.next()).value as string;
      const expected = [...db.keysSync()];
      scans.push([scan, expected]);
      expect(first).toBe(expected[0]);
      await db.delete(`key00${round}0`);
      await db.set(`a${round}`, 'new');
    }
    for (const [scan, expected] of scans.reverse()) expect(await collect(scan)).toEqual(expected.slice(1));
    expect(db.stats().oldestSnapshotMs).toBe(0);
  });

  test('calls of next that are not awaited come in order', async () => {
    const db = await opened();
    const scan = db.keys({ limit: 200 });
    const results = await Promise.all(Array.from({ length: 203 }, () => scan.next()));
    expect(results.slice(0, 200).map((result) => result.value)).toEqual(keys.slice(0, 200));
    expect(results.slice(200).every((result) => result.done)).toBe(true);
  });

  test('a break, a return and a throw end a scan', async () => {
    const db = await opened();
    for await (const key of db.keys()) if (key === keys[3]) break;
    for (const key of db.keysSync()) if (key === keys[3]) break;
    await failure(async () => {
      for await (const _ of db.keys()) throw new Error('enough');
    });
    const scan = db.keys();
    await scan.next();
    await scan.return?.();
    expect(await scan.next()).toEqual({ done: true, value: undefined });
    const sync = db.keysSync();
    sync.next();
    sync.return?.();
    expect(sync.next()).toEqual({ done: true, value: undefined });
    expect(db.stats().oldestSnapshotMs).toBe(0);
  });

  test('iterators dispose of themselves', async () => {
    const db = await opened();
    const scan = db.keys();
    await scan.next();
    await scan[Symbol.asyncDispose]();
    expect((await scan.next()).done).toBe(true);
    const sync = db.keysSync();
    sync.next();
    sync[Symbol.dispose]();
    expect(sync.next().done).toBe(true);
    expect(db.stats().oldestSnapshotMs).toBe(0);
  });

  test('an iterator that is never begun holds nothing', async () => {
    const db = await opened();
    const scan = db.keys();
    db.keysSync();
    await nextTurn();
    expect(db.stats().oldestSnapshotMs).toBe(0);
    // The moment of a scan is its first step.
    await db.set('a', 'new');
    expect((await scan.next()).value).toBe('a');
    await scan.return?.();
  });

  test('a signal ends a scan with HIT_ABORTED and its reason', async () => {
    const db = await opened();
    const controller = new AbortController();
    const reason = new Error('enough');
    let found = 0;
    const error = await failure(async () => {
      for await (const _ of db.keys({ signal: controller.signal })) {
        found += 1;
        if (found === 10) controller.abort(reason);
      }
    });
    expect(error).toMatchObject({ code: 'HIT_ABORTED', cause: reason });
    expect(found).toBeLessThan(1000);
    expect(db.stats().oldestSnapshotMs).toBe(0);
  });

  test('a signal that has aborted before ends a scan at its first step', async () => {
    const db = await opened();
    const signal = AbortSignal.abort();
    expect(await failure(() => collect(db.keys({ signal })))).toMatchObject({ code: 'HIT_ABORTED' });
    expect(thrown(() => [...db.keysSync({ signal })])).toMatchObject({ code: 'HIT_ABORTED' });
  });

  test('a signal that aborts after the end harms nothing', async () => {
    const db = await opened();
    const controller = new AbortController();
    expect(await collect(db.keys({ signal: controller.signal }))).toEqual(keys);
    controller.abort();
    expect(await collect(db.keys())).toEqual(keys);
  });

  test('an asynchronous scan yields to the event loop', async () => {
    const db = await opened();
    let turns = 0;
    const turning = setInterval(() => {
      turns += 1;
    }, 0);
    let immediates = 0;
    const again = () => {
      immediates += 1;
      running = setImmediate(again);
    };
    let running = setImmediate(again);
    try {
      for (let round = 0; round < 5; round += 1) expect((await collect(db.keys())).length).toBe(1000);
    } finally {
      clearInterval(turning);
      clearImmediate(running);
    }
    expect(immediates + turns).toBeGreaterThan(5);
  });

  test('a scan in the turn of writes sees them', async () => {
    const db = await opened();
    const write = db.set('a', 'new');
    expect([...db.keysSync({ limit: 1 })]).toEqual(['a']);
    const scanned = collect(db.keys({ limit: 1 }));
    void db.set('A', 'newer');
    expect(['A', 'a']).toContain((await scanned)[0]);
    await write;
  });

  test('a prefix of text ends within a character as well', async () => {
    const db = closing(await open(await url()));
    await db.setMany(['é', 'è', 'z', '漢'].map((key) => [key, 'v'] as const));
    expect([...db.keysSync({ prefix: Uint8Array.of(0xc3) })]).toEqual(['è', 'é']);
    expect([...db.keysSync({ prefix: '' })].length).toBe(4);
  });
});
