import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { collect } from './collect.js';
import { failure, thrown } from './failure.js';
import { closing, kinds } from './place.js';

describe.each(kinds)('sub views of $kind', ({ url }) => {
  test('a view reads and writes under its prefix, which its results do not carry', async () => {
    const db = closing(await open(await url()));
    const users = db.sub('user:');
    await users.set('1', 'ada');
    await users.setMany({ 2: 'grace' });
    await db.set('user:3', 'barbara');
    await db.set('other', 'value');
    expect(await db.get('user:1')).toBe('ada');
    expect(users.getSync('3')).toBe('barbara');
    expect(await users.getMany(['1', '2', 'other'])).toEqual(['ada', 'grace', undefined]);
    expect(await users.has('1')).toBe(true);
    expect(users.hasSync('other')).toBe(false);
    expect(await collect(users.entries())).toEqual([
      ['1', 'ada'],
      ['2', 'grace'],
      ['3', 'barbara'],
    ]);
    expect([...users.keysSync({ reverse: true, limit: 2 })]).toEqual(['3', '2']);
    expect(await users.count()).toBe(3);
    expect(users.countSync({ gt: '1' })).toBe(2);
    await users.delete('1');
    await users.deleteMany(['2']);
    expect(await collect(db.keys())).toEqual(['other', 'user:3']);
  });

  // A view has keys of one byte and more, as a store has, so the key that is its prefix is not in it.
  test('ranges of a view stay inside it', async () => {
    const db = closing(await open(await url()));
    await db.setMany(['a', 'b', 'b1', 'b2', 'b3', 'b\u{10ffff}', 'c'].map((key) => [key, 'v'] as const));
    const view = db.sub('b');
    expect([...view.keysSync()]).toEqual(['1', '2', '3', '\u{10ffff}']);
    expect([...view.keysSync({ gt: '1' })]).toEqual(['2', '3', '\u{10ffff}']);
    expect([...view.keysSync({ lte: '2', gt: '1' })]).toEqual(['2']);
    expect([...view.keysSync({ prefix: '1' })]).toEqual(['1']);
    expect([...view.keysSync({ gte: '9', reverse: true })]).toEqual(['\u{10ffff}']);
    expect(await view.count({ lt: '3' })).toBe(2);
  });

  test('clear of a view clears the view', async () => {
    const db = closing(await open(await url()));
    await db.setMany(['a', 'b', 'b1', 'b2', 'c'].map((key) => [key, 'v'] as const));
    const view = db.sub('b');
    await view.clear({ gte: '2' });
    expect([...db.keysSync()]).toEqual(['a', 'b', 'b1', 'c']);
    await view.clear();
    expect([...db.keysSync()]).toEqual(['a', 'b', 'c']);
  });

  test('views nest', async () => {
    const db = closing(await open(await url()));
    const inner = db.sub('a/').sub('b/');
    await inner.set('c', 'value');
    expect(await db.get('a/b/c')).toBe('value');
    expect(await db.sub('a/').get('b/c')).toBe('value');
    expect([...inner.keysSync()]).toEqual(['c']);
  });

  test('batches, updates, counters and expiries of a view are under its prefix', async () => {
    const db = closing(await open(await url()));
    const view = db.sub('n:');
    await view.batch(
      [
        { type: 'set', key: 'a', value: '1' },
        { type: 'delete', key: 'b' },
      ],
      { checks: [{ key: 'b', exists: false }] },
    );
    await view.increment('hits', 2);
    await view.update('a', (current) => `${current}!`);
    expect(await view.expire('hits', 3_600_000)).toBe(true);
    expect(await collect(db.entries())).toEqual([
      ['n:a', '1!'],
      ['n:hits', '2'],
    ]);
    expect((await db.getEntry('n:hits'))?.expiresAt).toBeGreaterThan(Date.now());
    expect((await view.getEntry('hits'))?.value).toBe('2');
  });

  test('a prefix is cut by bytes, whatever its characters', async () => {
    const db = closing(await open(await url()));
    const view = db.sub('é😀');
    await view.set('è', 'value');
    await view.set('x', 'value');
    expect([...view.keysSync()]).toEqual(['x', 'è']);
    expect(await collect(view.keys())).toEqual(['x', 'è']);
    expect(await db.has('é😀è')).toBe(true);
  });

  test('a view of bytes gives bytes', async () => {
    const db = closing(await open(await url(), { keyEncoding: 'binary' }));
    const view = db.sub(Uint8Array.of(0xff));
    await view.set(Uint8Array.of(0xff, 0), 'value');
    await db.set(Uint8Array.of(0xfe), 'other');
    expect([...view.keysSync()]).toEqual([Uint8Array.of(0xff, 0)]);
    await view.clear();
    expect(db.countSync()).toBe(1);
  });

  test('the prefix counts towards the length of a key', async () => {
    const db = closing(await open(await url()));
    const view = db.sub('p'.repeat(1000));
    await view.set('k'.repeat(1048), 'value');
    expect(await view.get('k'.repeat(1048))).toBe('value');
    expect(await failure(() => view.set('k'.repeat(1049), 'value'))).toMatchObject({
      code: 'HIT_KEY_INVALID',
    });
    expect(thrown(() => view.getSync('k'.repeat(1049)))).toMatchObject({ code: 'HIT_KEY_INVALID' });
    expect(await view.count()).toBe(1);
  });

  test('surrogate halves on both sides of a prefix do not make a character', async () => {
    const db = closing(await open(await url()));
    expect(thrown(() => db.sub('\ud83d'))).toMatchObject({ code: 'HIT_KEY_INVALID' });
    expect(await failure(() => db.sub('a').set('\ude00', 'value'))).toMatchObject({
      code: 'HIT_KEY_INVALID',
    });
  });
});
