import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { collect } from './collect.js';
import { closing, kinds } from './place.js';

describe.each(kinds)('writing many into $kind', ({ kind, url }) => {
  test('setMany takes arrays, maps, generators and records', async () => {
    const db = closing(await open(await url()));
    await db.setMany([['array', '1']]);
    await db.setMany(new Map([['map', '1']]));
    await db.setMany(
      (function* () {
        yield ['generator', '1'] as const;
      })(),
    );
    await db.setMany({ record: '1', toString: '1' });
    expect(await collect(db.keys())).toEqual(['array', 'generator', 'map', 'record', 'toString']);
  });

  test('a record gives its own members only', async () => {
    const db = closing(await open(await url()));
    await db.setMany(
      Object.create({ inherited: '1' }, { own: { value: '1', enumerable: true }, hidden: { value: '1' } }),
    );
    expect(await collect(db.keys())).toEqual(['own']);
  });

  test('names of members of Object.prototype are keys like others', async () => {
    const db = closing(await open(await url()));
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
    await Promise.all(names.map((name) => db.set(name, `of ${name}`)));
    expect(await db.getMany(names)).toEqual(names.map((name) => `of ${name}`));
    expect(await collect(db.keys())).toEqual([...names].sort());
  });

  test('the last of equal keys wins', async () => {
    const db = closing(await open(await url()));
    await db.setMany([
      ['key', '1'],
      ['key', '2'],
      ['other', '1'],
      ['key', '3'],
    ]);
    expect(await collect(db.entries())).toEqual([
      ['key', '3'],
      ['other', '1'],
    ]);
  });

  test('more than a buffer holds goes in at once', async () => {
    const db = closing(await open(await url()));
    const value = 'é'.repeat(500);
    await db.setMany(
      Array.from({ length: 20_000 }, (_, number) => [`key${number}`, `${number} ${value}`] as const),
    );
    expect(await db.count()).toBe(20_000);
    expect(await db.get('key19999')).toBe(`19999 ${value}`);
    await db.deleteMany(Array.from({ length: 20_000 }, (_, number) => `key${number}`));
    expect(await db.count()).toBe(0);
  });

  test('one value larger than any buffer goes in and out', async () => {
    const db = closing(await open(await url()));
    const large = 'é'.repeat(5_000_000);
    await Promise.all([db.set('before', '1'), db.set('large', large), db.set('after', '2')]);
    expect(db.getSync('large') === large).toBe(true);
    expect((await db.get('large')) === large).toBe(true);
    expect((await db.getMany(['before', 'large', 'after'])).map((value) => value?.length)).toEqual([
      1, 5_000_000, 1,
    ]);
    expect((await collect(db.values())).map((value) => value.length)).toEqual([1, 1, 5_000_000]);
  });

  test('entries are counted', async () => {
    const db = closing(await open(await url()));
    await db.setMany(Array.from({ length: 100 }, (_, number) => [`key${number}`, 'v'] as const));
    await db.delete('key0');
    await db.set('key1', 'again');
    // RocksDB estimates: what was overwritten counts twice, what was deleted by range not at all.
    const isExact = kind !== 'rocksdb:';
    expect(db.stats()).toMatchObject({ entries: isExact ? 99 : expect.any(Number), pendingBytes: 0 });
    expect(db.countSync()).toBe(99);
    await db.clear({ prefix: 'key1' });
    expect(db.countSync()).toBe(88);
    if (isExact) expect(db.stats().entries).toBe(88);
  });
});
