import { describe, expect, test, vi } from 'vitest';
import type { EngineScan, Raw } from '../../src/engine.js';
import { AsyncScan, SyncScan, type Take } from '../../src/scan.js';

/** A scan of `count` keys in pages of three, which tells what was done to it. */
class CountingScan implements EngineScan {
  readonly keys: Raw[] = [];
  readonly values: Raw[] = [];
  fills = 0;
  closed = false;
  #next = 0;

  constructor(private readonly count: number) {}

  fill(): number {
    this.fills++;
    const entries = Math.min(3, this.count - this.#next);
    for (let index = 0; index < entries; index++) this.keys[index] = `key${this.#next++}`;
    return entries;
  }

  close(): void {
    this.closed = true;
  }
}

const take: Take<Raw> = (scan, index) => scan.keys[index] as Raw;
const keys = (count: number) => Array.from({ length: count }, (_, index) => `key${index}`);

function planned(count: number, limit = Number.POSITIVE_INFINITY, signal?: AbortSignal) {
  const scan = new CountingScan(count);
  const opened: CountingScan[] = [];
  const open = () => {
    opened.push(scan);
    return scan;
  };
  return { scan, opened, sync: { open, limit, signal }, async: { open: async () => open(), limit, signal } };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const aborted = expect.objectContaining({ name: 'HitError', code: 'HIT_ABORTED' });

describe.each([0, 1, 2, 3, 4, 7, 9])('a scan of %d entries', (count) => {
  test.each([0, 1, 2, 3, 4, 6, 100, Number.POSITIVE_INFINITY])('up to %d', async (limit) => {
    const expected = keys(Math.min(count, limit));
    const one = planned(count, limit);
    expect([...new SyncScan(one.sync, take)]).toEqual(expected);
    expect(one.opened.length).toBe(limit === 0 ? 0 : 1);
    expect(one.scan.closed).toBe(limit !== 0);
    const other = planned(count, limit);
    expect(await collect(new AsyncScan(other.async, take))).toEqual(expected);
    expect(other.scan.closed).toBe(limit !== 0);
    expect(other.scan.fills).toBe(one.scan.fills);
  });
});

describe('a scan without promises', () => {
  test('takes its snapshot at the first entry', () => {
    const { sync, opened } = planned(5);
    const scan = new SyncScan(sync, take);
    expect(opened).toHaveLength(0);
    scan.next();
    expect(opened).toHaveLength(1);
  });

  test.each<[string, (scan: SyncScan<Raw>) => unknown]>([
    ['return', (scan) => scan.return()],
    ['disposal', (scan) => scan[Symbol.dispose]()],
    ['throw', (scan) => expect(() => scan.throw(new Error('mine'))).toThrow('mine')],
    [
      'break',
      (scan) => {
        for (const _ of scan) break;
      },
    ],
  ])('releases its snapshot on %s and stays ended', (_, end) => {
    const { sync, scan: inner } = planned(5);
    const scan = new SyncScan(sync, take);
    scan.next();
    end(scan);
    expect(inner.closed).toBe(true);
    expect(scan.next()).toEqual({ done: true, value: undefined });
  });

  test('that is ended before it began opens nothing', () => {
    const { sync, opened } = planned(5);
    const scan = new SyncScan(sync, take);
    scan.return();
    expect([...scan]).toEqual([]);
    expect(opened).toHaveLength(0);
  });

  test('looks at its signal between pages', () => {
    const stop = new AbortController();
    const { sync, scan: inner } = planned(9, Number.POSITIVE_INFINITY, stop.signal);
    const scan = new SyncScan(sync, take);
    scan.next();
    stop.abort(new Error('enough'));
    expect([scan.next().value, scan.next().value]).toEqual(['key1', 'key2']);
    expect(() => scan.next()).toThrow(aborted);
    expect(inner.closed).toBe(true);
    expect(scan.next().done).toBe(true);
  });

  test('ends where an entry cannot be decoded', () => {
    const { sync, scan: inner } = planned(9);
    const scan = new SyncScan(sync, () => {
      throw new Error('bad');
    });
    expect(() => scan.next()).toThrow('bad');
    expect(inner.closed).toBe(true);
    expect(scan.next().done).toBe(true);
  });
});

describe('a scan with promises', () => {
  test('answers calls that do not wait for one another in order', async () => {
    const { async: plan } = planned(7);
    const scan = new AsyncScan(plan, take);
    const answers = await Promise.all(Array.from({ length: 9 }, () => scan.next()));
    expect(answers.map(({ value }) => value)).toEqual([...keys(7), undefined, undefined]);
    expect(answers.map(({ done }) => done === true)).toEqual([...keys(7).map(() => false), true, true]);
  });

  test('lets the event loop turn between pages', async () => {
    const { async: plan } = planned(9);
    let turns = 0;
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    let running = true;
    setImmediate(turn);
    await collect(new AsyncScan(plan, take));
    running = false;
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  test.each<[string, (scan: AsyncScan<Raw>) => unknown]>([
    ['return', (scan) => scan.return()],
    ['disposal', (scan) => scan[Symbol.asyncDispose]()],
    ['throw', (scan) => expect(scan.throw(new Error('mine'))).rejects.toThrow('mine')],
    [
      'break',
      async (scan) => {
        for await (const _ of scan) break;
      },
    ],
    [
      'return behind a call under way',
      (scan) => Promise.all([scan.next(), scan.next(), scan.next(), scan.return()]),
    ],
  ])('releases its snapshot on %s and stays ended', async (_, end) => {
    const { async: plan, scan: inner } = planned(9);
    const scan = new AsyncScan(plan, take);
    await scan.next();
    await end(scan);
    expect(inner.closed).toBe(true);
    expect(await scan.next()).toEqual({ done: true, value: undefined });
  });

  test('releases the snapshot of a call that return follows at once', async () => {
    const { async: plan, scan: inner } = planned(9);
    const scan = new AsyncScan(plan, take);
    const [first, end] = await Promise.all([scan.next(), scan.return()]);
    expect(first).toEqual({ done: false, value: 'key0' });
    expect(end.done).toBe(true);
    expect(inner.closed).toBe(true);
  });

  test('rejects once where it cannot begin, and then is ended', async () => {
    const open = () => Promise.reject(new Error('closed'));
    const scan = new AsyncScan({ open, limit: 5, signal: undefined }, take);
    await expect(scan.next()).rejects.toThrow('closed');
    expect(await scan.next()).toEqual({ done: true, value: undefined });
  });

  test('looks at its signal before it begins and between pages', async () => {
    const { async: plan, opened } = planned(9, Number.POSITIVE_INFINITY, AbortSignal.abort('no'));
    const reason = expect.objectContaining({ code: 'HIT_ABORTED', cause: 'no' });
    await expect(new AsyncScan(plan, take).next()).rejects.toEqual(reason);
    expect(opened).toHaveLength(0);

    const stop = new AbortController();
    const later = planned(9, Number.POSITIVE_INFINITY, stop.signal);
    const found: Raw[] = [];
    const walk = async () => {
      for await (const key of new AsyncScan(later.async, take)) {
        found.push(key);
        if (found.length === 2) stop.abort();
      }
    };
    await expect(walk()).rejects.toEqual(aborted);
    expect(found).toEqual(keys(3));
    expect(later.scan.closed).toBe(true);
  });
});

/** A scan whose pages come from a disk: each is there only once `ready` has settled. */
class WaitingScan extends CountingScan {
  readonly asked: (() => void)[] = [];
  #isRead = true;

  ready(): Promise<void> | undefined {
    if (this.#isRead) return undefined;
    return new Promise((resolve) => {
      this.asked.push(() => {
        this.#isRead = true;
        resolve();
      });
    });
  }

  override fill(): number {
    if (!this.#isRead) throw new Error('filled before it was ready');
    this.#isRead = false;
    return super.fill();
  }
}

describe('a scan whose pages come from a disk', () => {
  function begun() {
    const scan = new WaitingScan(7);
    const plan = { open: async () => scan, limit: Number.POSITIVE_INFINITY, signal: undefined };
    return { scan, iterator: new AsyncScan(plan, take) };
  }

  test('waits for each further page', async () => {
    const { scan, iterator } = begun();
    const all = collect(iterator);
    for (const page of [1, 2, 3]) {
      await vi.waitUntil(() => scan.asked.length === page);
      expect(scan.fills).toBe(page);
      scan.asked[page - 1]?.();
    }
    expect(await all).toEqual(keys(7));
    expect(scan.closed).toBe(true);
  });

  test('is ended in its order while it waits', async () => {
    const { scan, iterator } = begun();
    for (let entry = 0; entry < 3; entry++) await iterator.next();
    const [next, end] = [iterator.next(), iterator.return()];
    await vi.waitUntil(() => scan.asked.length === 1);
    expect(scan.closed).toBe(false);
    scan.asked[0]?.();
    expect(await next).toEqual({ done: false, value: 'key3' });
    expect(await end).toEqual({ done: true, value: undefined });
    expect(scan.closed).toBe(true);
  });
});
