import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { collect } from './collect.js';
import { failure, thrown } from './failure.js';
import { closing, kinds } from './place.js';

describe.each(kinds)('closing $kind', ({ url }) => {
  const opened = async () => {
    const db = closing(await open(await url()));
    await db.setMany(Array.from({ length: 1000 }, (_, number) => [`key${number}`, 'value'] as const));
    return db;
  };

  test('every method of a closed store is HIT_NOT_OPEN', async () => {
    const db = await opened();
    const view = db.sub('key');
    await db.close();
    const notOpen = { name: 'HitError', code: 'HIT_NOT_OPEN', retryable: false };
    for (const call of [
      () => db.get('key1'),
      () => db.getEntry('key1'),
      () => db.getMany(['key1']),
      () => db.getMany([]),
      () => db.has('key1'),
      () => db.set('key1', 'other'),
      () => db.setMany([['key1', 'other']]),
      () => db.setMany([]),
      () => db.delete('key1'),
      () => db.deleteMany(['key1']),
      () => db.expire('key1', 1000),
      () => db.clear(),
      () => db.batch([{ type: 'delete', key: 'key1' }]),
      () => db.batch([]),
      () => db.update('key1', () => 'other'),
      () => db.increment('hits'),
      () => db.count(),
      () => db.flush(),
      () => collect(db.entries()),
      () => collect(db.keys()),
      () => collect(db.values()),
      () => view.get('1'),
      () => view.set('1', 'other'),
    ]) {
      expect(await failure(call), String(call)).toMatchObject(notOpen);
    }
    for (const call of [
      () => db.getSync('key1'),
      () => db.getManySync(['key1']),
      () => db.hasSync('key1'),
      () => db.countSync(),
      () => [...db.entriesSync()],
      () => [...db.keysSync()],
      () => [...db.valuesSync()],
      () => view.getSync('1'),
      () => db.stats(),
    ]) {
      expect(thrown(call), String(call)).toMatchObject(notOpen);
    }
    await db.close();
  });

  test('writes and reads under way settle', async () => {
    const db = await opened();
    const write = db.set('new', 'value');
    const read = db.get('new');
    const many = db.getMany(['key1', 'new']);
    const batch = db.batch([{ type: 'set', key: 'batch', value: 'value' }]);
    const counted = db.increment('hits');
    const close = db.close();
    expect(await Promise.all([write, read, many, batch, counted, close])).toEqual([
      undefined,
      'value',
      ['value', 'value'],
      undefined,
      1,
      undefined,
    ]);
  });

  test('a call in the turn of the close comes too late', async () => {
    const db = await opened();
    const close = db.close();
    expect(await failure(() => db.set('late', 'value'))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    expect(await failure(() => db.get('key1'))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    expect(thrown(() => db.getSync('key1'))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    await close;
  });

  test('a scan under way ends with HIT_NOT_OPEN', async () => {
    const db = await opened();
    const scan = db.keys();
    await scan.next();
    const sync = db.keysSync();
    sync.next();
    await db.close();
    expect(await failure(() => collect(scan))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    expect(thrown(() => [...sync])).toMatchObject({ code: 'HIT_NOT_OPEN' });
    // Ended iterators stay ended.
    expect((await scan.next()).done).toBe(true);
    expect(sync.next().done).toBe(true);
  });

  test('a close inside a scan ends it', async () => {
    const db = await opened();
    let found = 0;
    const error = await failure(async () => {
      for await (const _ of db.keys()) {
        found += 1;
        if (found === 70) await db.close();
      }
    });
    expect(error).toMatchObject({ code: 'HIT_NOT_OPEN' });
    expect(found).toBeLessThan(1000);
  });

  test('an update under way is refused, not half done', async () => {
    const db = await opened();
    const update = failure(() =>
      db.update('key1', async () => {
        await db.close();
        return 'other';
      }),
    );
    expect(await update).toMatchObject({ code: 'HIT_NOT_OPEN' });
  });

  test('closing twice, at once or later, is nothing', async () => {
    const db = await opened();
    await Promise.all([db.close(), db.close(), db.close()]);
    await db.close();
  });

  test('a store disposes of itself', async () => {
    const db = await opened();
    await db[Symbol.asyncDispose]();
    expect(await failure(() => db.get('key1'))).toMatchObject({ code: 'HIT_NOT_OPEN' });
  });
});
