import { afterEach, describe, expect, test } from 'vitest';
import { open, type Store } from '../index.js';
import { collect } from './collect.js';
import { expectArgumentError, failure, thrown } from './failure.js';
import { closing, kinds, temporaryFolder } from './place.js';

const loneSurrogates = ['\ud800', 'a\udc00b', '\udfff\ud800', 'fine\ud83d'];

describe.each(kinds)('what $kind does with bad keys and values', ({ url }) => {
  let db: Store<string>;
  const opened = async () => {
    db = closing(await open(await url()));
    await db.set('kept', 'value');
    return db;
  };
  // Whatever was refused, nothing of it is there, and the store goes on working.
  afterEach(async () => {
    expect(await failure(() => db.get('kept'))).toMatchObject({ code: 'HIT_NOT_OPEN' });
  });
  const unharmed = async () => {
    expect(await collect(db.entries())).toEqual([['kept', 'value']]);
    await db.set('kept', 'value');
    expect(db.getSync('kept')).toBe('value');
    await db.flush();
  };

  /** Every method that takes a key, as calls that take the bad one. */
  const rejecting = (key: never): [string, () => Promise<unknown>][] => [
    ['get', () => db.get(key)],
    ['getEntry', () => db.getEntry(key)],
    ['getMany', () => db.getMany(['kept', key])],
    ['has', () => db.has(key)],
    ['set', () => db.set(key, 'value')],
    [
      'setMany',
      () =>
        db.setMany([
          ['new', 'value'],
          [key, 'value'],
        ]),
    ],
    ['delete', () => db.delete(key)],
    ['deleteMany', () => db.deleteMany(['absent', key])],
    ['expire', () => db.expire(key, 1000)],
    [
      'batch',
      () =>
        db.batch([
          { type: 'set', key: 'new', value: 'value' },
          { type: 'delete', key },
        ]),
    ],
    ['batch check', () => db.batch([{ type: 'delete', key: 'kept' }], { checks: [{ key, exists: false }] })],
    ['update', () => db.update(key, () => 'value')],
    ['increment', () => db.increment(key)],
  ];
  const throwing = (key: never): [string, () => unknown][] => [
    ['getSync', () => db.getSync(key)],
    ['getManySync', () => db.getManySync(['kept', key])],
    ['hasSync', () => db.hasSync(key)],
  ];

  test.each<[string, string | Uint8Array]>([
    ['an empty key', ''],
    ['an empty key of bytes', new Uint8Array()],
    ['a key of 2,049 bytes', 'x'.repeat(2049)],
    ['a key of 2,049 bytes in 1,025 characters', `x${'é'.repeat(1024)}`],
    ['a key of 2,049 bytes given as bytes', new Uint8Array(2049)],
    ...loneSurrogates.map(
      (key) => [`a key with a lone surrogate ${JSON.stringify(key)}`, key] as [string, string],
    ),
  ])('%s is HIT_KEY_INVALID everywhere', async (_, key) => {
    await opened();
    for (const [name, call] of rejecting(key as never)) {
      // setMany and deleteMany are not atomic: what comes before the bad one may be there.
      expect(await failure(call), name).toMatchObject({
        name: 'HitError',
        code: 'HIT_KEY_INVALID',
        retryable: false,
      });
      if (name === 'setMany') await db.delete('new');
    }
    for (const [name, call] of throwing(key as never))
      expect(thrown(call), name).toMatchObject({ code: 'HIT_KEY_INVALID' });
    await unharmed();
    await db.close();
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['an object', {}],
    ['an array', ['key']],
    ['an ArrayBuffer', new ArrayBuffer(3)],
    ['a Uint16Array', new Uint16Array(3)],
    ['a String object', new String('key')],
    ['a symbol', Symbol('key')],
  ])('%s as a key is a TypeError everywhere', async (_, key) => {
    await opened();
    for (const [name, call] of rejecting(key as never)) {
      const error = await failure(call);
      expect(error, name).toBeInstanceOf(TypeError);
      expectArgumentError(error);
      if (name === 'setMany') await db.delete('new');
    }
    for (const [name, call] of throwing(key as never)) {
      expect(thrown(call), name).toBeInstanceOf(TypeError);
      expectArgumentError(thrown(call));
    }
    await unharmed();
    await db.close();
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['bytes', new Uint8Array(3)],
    ['an object', { a: 1 }],
    ['a boolean', true],
  ])('%s as a value is a TypeError under utf8', async (_, value) => {
    await opened();
    const bad = value as never;
    for (const call of [
      () => db.set('new', bad),
      () => db.setMany([['new', bad]]),
      () => db.setMany({ new: bad }),
      () =>
        db.batch([
          { type: 'set', key: 'kept', value: 'other' },
          { type: 'set', key: 'new', value: bad },
        ]),
      () => db.batch([{ type: 'delete', key: 'kept' }], { checks: [{ key: 'kept', equals: bad }] }),
    ]) {
      expectArgumentError(await failure(call));
    }
    if (value !== undefined) expectArgumentError(await failure(() => db.update('kept', () => bad)));
    await unharmed();
    await db.close();
  });

  test('a value with a lone surrogate is HIT_VALUE_INVALID', async () => {
    await opened();
    for (const value of loneSurrogates) {
      for (const call of [
        () => db.set('new', value),
        () => db.set('new', `${'x'.repeat(5000)}${value}`),
        () => db.setMany([['new', value]]),
        () => db.batch([{ type: 'set', key: 'new', value }]),
        () => db.update('kept', () => value),
      ]) {
        expect(await failure(call)).toMatchObject({ code: 'HIT_VALUE_INVALID' });
      }
    }
    await unharmed();
    await db.close();
  });

  test('one bad write among good ones of a turn rejects alone', async () => {
    await opened();
    const good = [db.set('a', '1'), db.set('b', '2')];
    const bad = failure(() => db.set('', '3'));
    good.push(db.set('c', '4'), db.delete('kept'));
    await Promise.all(good);
    expect(await bad).toMatchObject({ code: 'HIT_KEY_INVALID' });
    expect(await collect(db.entries())).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '4'],
    ]);
    await db.close();
  });

  test('NUL bytes are bytes like others', async () => {
    await opened();
    await db.set('a\0b', 'c\0d');
    await db.set('\0', '\0');
    expect(await db.getMany(['a\0b', '\0', 'a'])).toEqual(['c\0d', '\0', undefined]);
    expect(db.getSync('a\0b')).toBe('c\0d');
    await db.deleteMany(['a\0b', '\0']);
    await unharmed();
    await db.close();
  });

  test('a value over the limit is HIT_VALUE_TOO_LARGE as text too', async () => {
    await opened();
    const value = 'x'.repeat(db.supports.maxValueBytes + 1);
    expect(await failure(() => db.set('new', value))).toMatchObject({ code: 'HIT_VALUE_TOO_LARGE' });
    expect(await failure(() => db.batch([{ type: 'set', key: 'new', value }]))).toMatchObject({
      code: 'HIT_VALUE_TOO_LARGE',
    });
    await unharmed();
    await db.close();
  });
});

test('a batch that does not fit one frame is HIT_BATCH_TOO_LARGE, and nothing of it is there', async () => {
  const db = closing(await open(`file:${await temporaryFolder()}`, { valueEncoding: 'binary' }));
  const value = new Uint8Array(db.supports.maxValueBytes);
  const operations = ['a', 'b'].map((key) => ({ type: 'set' as const, key, value }));
  expect(await failure(() => db.batch(operations))).toMatchObject({ code: 'HIT_BATCH_TOO_LARGE' });
  expect(await db.getMany(['a', 'b'])).toEqual([undefined, undefined]);
  await db.set('a', Uint8Array.of(1));
  expect(await db.count()).toBe(1);
});

test('bytes whose buffer was transferred are refused, and what stands beside them is written', async () => {
  const db = closing(await open('memory:', { valueEncoding: 'binary' }));
  const transferred = new Uint8Array(4);
  structuredClone(transferred.buffer, { transfer: [transferred.buffer] });
  await db.set('kept', Buffer.from('precious'));
  const beside = db.set('beside', Buffer.from('v'));
  await expect(db.set('kept', transferred)).rejects.toMatchObject({
    name: 'TypeError',
    code: 'HIT_ARGUMENT',
  });
  await expect(db.count({ prefix: transferred })).rejects.toMatchObject({ code: 'HIT_ARGUMENT' });
  await beside;
  expect(Buffer.from((await db.get('kept')) ?? []).toString()).toBe('precious');
  expect(db.countSync()).toBe(2);
});

test('a hole in an array is refused like undefined', async () => {
  const db = closing(await open('memory:'));
  // biome-ignore lint/suspicious/noSparseArray: it is what is tested
  const keys = [, 'a'] as unknown as string[];
  for (const call of [() => db.getMany(keys), () => db.deleteMany(keys), () => db.batch(keys as never)]) {
    await expect(call()).rejects.toMatchObject({ name: 'TypeError', code: 'HIT_ARGUMENT' });
  }
});
