import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { failure } from './failure.js';
import { closing, kinds } from './place.js';

const anHour = 3_600_000;

describe.each(kinds)('updates, counters and expiries of $kind', ({ url }) => {
  const opened = async () => closing(await open(await url()));

  test('update gives the current value and keeps the new one', async () => {
    const db = await opened();
    const seen: (string | undefined)[] = [];
    const add = (text: string) => (current: string | undefined) => {
      seen.push(current);
      return (current ?? '') + text;
    };
    expect(await db.update('key', add('a'))).toBe('a');
    expect(await db.update('key', async (current) => add('b')(current))).toBe('ab');
    expect(seen).toEqual([undefined, 'a']);
    expect(await db.get('key')).toBe('ab');
  });

  test('update to undefined deletes', async () => {
    const db = await opened();
    await db.set('key', 'value');
    expect(await db.update('key', () => undefined)).toBeUndefined();
    expect(await db.has('key')).toBe(false);
    expect(await db.update('absent', () => undefined)).toBeUndefined();
    expect(await db.count()).toBe(0);
  });

  test('updates at the same time all take effect', async () => {
    const db = await opened();
    await Promise.all(
      Array.from({ length: 30 }, () =>
        db.update('key', async (current) => {
          await null;
          return String(Number(current ?? 0) + 1);
        }),
      ),
    );
    expect(await db.get('key')).toBe('30');
  });

  test('an update runs again when its key changed meanwhile', async () => {
    const db = await opened();
    await db.set('key', '1');
    let runs = 0;
    const result = await db.update('key', async (current) => {
      runs += 1;
      if (runs <= 3) await db.set('key', String(runs * 10));
      return `${current}!`;
    });
    expect([runs, result]).toEqual([4, '30!']);
    expect(await db.get('key')).toBe('30!');
  });

  test('an update that never finds peace is HIT_CONFLICT after a hundred tries', async () => {
    const db = await opened();
    let runs = 0;
    const error = await failure(() =>
      db.update('key', async () => {
        runs += 1;
        await db.set('key', `other ${runs}`);
        return 'mine';
      }),
    );
    expect(error).toMatchObject({ code: 'HIT_CONFLICT', retryable: true });
    expect(runs).toBe(100);
    expect(await db.get('key')).toBe('other 100');
  });

  test('an update whose function fails changes nothing', async () => {
    const db = await opened();
    await db.set('key', 'value');
    for (const fail of [
      () => {
        throw new Error('no');
      },
      () => Promise.reject(new Error('no')),
    ]) {
      expect((await failure(() => db.update('key', fail))).message).toBe('no');
    }
    expect(await db.get('key')).toBe('value');
  });

  test('update keeps the expiry', async () => {
    const db = await opened();
    const expiresAt = Date.now() + anHour;
    await db.set('key', '1', { expiresAt });
    await db.update('key', (current) => `${current}!`);
    expect(await db.getEntry('key')).toEqual({ value: '1!', expiresAt });
    await db.set('expired', '1', { expiresAt: 1 });
    await db.update('expired', (current) => `${current}`);
    expect(await db.getEntry('expired')).toEqual({ value: 'undefined' });
  });

  test('update under json compares what is stored', async () => {
    const db = closing(await open<{ n: number }>(await url(), { valueEncoding: 'json' }));
    await db.set('key', { n: 1 });
    expect(await db.update('key', (current) => ({ n: (current?.n ?? 0) + 1 }))).toEqual({ n: 2 });
    await db.batch([{ type: 'set', key: 'key', value: { n: 3 } }], {
      checks: [{ key: 'key', equals: { n: 2 } }],
    });
    expect(await db.get('key')).toEqual({ n: 3 });
  });

  test('increment counts in numbers and in bigints', async () => {
    const db = await opened();
    expect(await db.increment('hits')).toBe(1);
    expect(await db.increment('hits', 10)).toBe(11);
    expect(await db.increment('hits', -1n)).toBe(10n);
    expect(await db.get('hits')).toBe('10');
  });

  test('a result beyond 2^53-1 is a RangeError for a number, and nothing is added', async () => {
    const db = await opened();
    await db.set('hits', String(Number.MAX_SAFE_INTEGER));
    const error = await failure(() => db.increment('hits', 1));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ code: 'HIT_ARGUMENT', message: expect.stringContaining('bigint') });
    expect(await db.get('hits')).toBe(String(Number.MAX_SAFE_INTEGER));
    expect(await db.increment('hits', 1n)).toBe(9007199254740992n);
    await db.set('low', String(Number.MIN_SAFE_INTEGER));
    expect(await failure(() => db.increment('low', -1))).toBeInstanceOf(RangeError);
    expect(await db.increment('low', 1)).toBe(Number.MIN_SAFE_INTEGER + 1);
  });

  test('counters work under every encoding', async () => {
    const binary = closing(await open(await url(), { valueEncoding: 'binary' }));
    expect(await binary.increment('hits', 7)).toBe(7);
    expect(Buffer.from((await binary.get('hits')) as Uint8Array).toString()).toBe('7');
    const json = closing(await open(await url(), { valueEncoding: 'json' }));
    expect(await json.increment('hits', 7)).toBe(7);
    expect(await json.get('hits')).toBe(7);
  });

  test('increments and sets keep their order', async () => {
    const db = await opened();
    const done = [
      db.set('hits', '10'),
      db.increment('hits', 1),
      db.set('hits', '20'),
      db.increment('hits', 2),
    ];
    expect(await Promise.all(done)).toEqual([undefined, 11, undefined, 22]);
    expect(db.getSync('hits')).toBe('22');
  });

  test('expire takes what set gave', async () => {
    const db = await opened();
    await db.set('key', 'value', { ttlMs: anHour });
    expect(await db.expire('key', 2 * anHour)).toBe(true);
    expect((await db.getEntry('key'))?.expiresAt).toBeGreaterThan(Date.now() + anHour);
    expect(await db.expire('key', null)).toBe(true);
    expect(await db.getEntry('key')).toEqual({ value: 'value' });
    expect(await db.get('key')).toBe('value');
  });

  test('expire counts in its turn', async () => {
    const db = await opened();
    const set = db.set('key', 'value');
    const expire = db.expire('key', anHour);
    const remove = db.delete('key');
    const late = db.expire('key', anHour);
    expect(await Promise.all([set, expire, remove, late])).toEqual([undefined, true, undefined, false]);
  });
});
