import { describe, expect, test } from 'vitest';
import { open, type WriteOptions } from '../index.js';
import { collect } from './collect.js';
import { expectArgumentError, failure, thrown } from './failure.js';
import { closing, kinds } from './place.js';

describe.each(kinds)('what $kind does with bad arguments', ({ url }) => {
  const opened = async () => {
    const db = closing(await open(await url()));
    await db.set('kept', 'value');
    return db;
  };

  test.each([
    ['ttlMs of zero', { ttlMs: 0 }],
    ['a negative ttlMs', { ttlMs: -1 }],
    ['ttlMs that is NaN', { ttlMs: Number.NaN }],
    ['ttlMs without end', { ttlMs: Number.POSITIVE_INFINITY }],
    ['ttlMs of text', { ttlMs: '1000' }],
    ['ttlMs that is a bigint', { ttlMs: 1000n }],
    ['expiresAt that is NaN', { expiresAt: Number.NaN }],
    ['a negative expiresAt', { expiresAt: -1 }],
    ['expiresAt with a fraction', { expiresAt: 1.5 }],
    ['expiresAt past 2^53-1', { expiresAt: 2 ** 53 }],
    ['expiresAt that is a Date', { expiresAt: new Date() }],
    ['both ttlMs and expiresAt', { ttlMs: 1000, expiresAt: Date.now() + 1000 }],
    ['an unknown durability', { durability: 'sometimes' }],
    ['an unknown option', { ttl: 1000 }],
  ])('%s is refused', async (_, options) => {
    const db = await opened();
    const bad = options as WriteOptions;
    expectArgumentError(await failure(() => db.set('kept', 'other', bad)));
    expectArgumentError(await failure(() => db.setMany([['kept', 'other']], bad)));
    if (!('durability' in options)) {
      expectArgumentError(
        await failure(() => db.batch([{ type: 'set', key: 'kept', value: 'other', ...bad }])),
      );
    } else {
      expectArgumentError(await failure(() => db.batch([{ type: 'delete', key: 'kept' }], bad)));
      expectArgumentError(await failure(() => db.delete('kept', bad)));
      expectArgumentError(await failure(() => db.deleteMany(['kept'], bad)));
    }
    expect(await db.getEntry('kept')).toEqual({ value: 'value' });
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1000', undefined])(
    'expire by %s is refused',
    async (ttlMs) => {
      const db = await opened();
      expectArgumentError(await failure(() => db.expire('kept', ttlMs as never)));
      expect(await db.getEntry('kept')).toEqual({ value: 'value' });
    },
  );

  const badRanges: [string, unknown][] = [
    ['an unknown member', { from: 'a' }],
    ['an undefined member', { gte: undefined }],
    ['an undefined prefix', { prefix: undefined }],
    ['a null bound', { lt: null }],
    ['a bound that is a number', { gt: 7 }],
    ['gt together with gte', { gt: 'a', gte: 'a' }],
    ['lt together with lte', { lt: 'a', lte: 'a' }],
    ['a range that is text', 'a'],
    ['a range that is null', null],
  ];
  test.each(badRanges)('%s in a range is a TypeError', async (_, range) => {
    const db = await opened();
    const bad = range as never;
    const errors = [
      await failure(() => db.count(bad)),
      await failure(() => db.clear(bad)),
      thrown(() => db.entries(bad)),
      thrown(() => db.keys(bad)),
      thrown(() => db.values(bad)),
      thrown(() => db.countSync(bad)),
      thrown(() => db.entriesSync(bad)),
      thrown(() => db.keysSync(bad)),
      thrown(() => db.valuesSync(bad)),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(TypeError);
      expectArgumentError(error);
    }
    expect(await db.count()).toBe(1);
  });

  test('the message of a bad range member names it', async () => {
    const db = await opened();
    expect((await failure(() => db.count({ gte: undefined } as never))).message).toContain('gte');
    expect(thrown(() => db.keys({ from: 'a' } as never)).message).toContain('from');
  });

  test.each([
    ['a negative limit', { limit: -1 }],
    ['a limit with a fraction', { limit: 1.5 }],
    ['a limit that is NaN', { limit: Number.NaN }],
    ['a limit of text', { limit: '10' }],
    ['reverse that is no boolean', { reverse: 'yes' }],
    ['a signal that is none', { signal: {} }],
  ])('%s is refused', async (_, scan) => {
    const db = await opened();
    for (const call of [() => db.entries(scan as never), () => db.keysSync(scan as never)])
      expectArgumentError(thrown(call));
    expect(await collect(db.keys())).toEqual(['kept']);
  });

  test('scan options are not range members', async () => {
    const db = await opened();
    for (const extra of [{ reverse: true }, { limit: 1 }]) {
      expectArgumentError(await failure(() => db.count(extra as never)));
      expectArgumentError(await failure(() => db.clear(extra as never)));
    }
    expect(await db.count()).toBe(1);
  });

  test('a clear that would be of everything by accident is refused', async () => {
    const db = await opened();
    for (const range of [{}, { prefix: '' }, { prefix: new Uint8Array() }]) {
      expectArgumentError(await failure(() => db.clear(range)));
    }
    expect(await db.count()).toBe(1);
    await db.clear();
    expect(await db.count()).toBe(0);
  });

  test.each([
    ['no array', {}],
    ['a member that is no operation', [null]],
    ['a type that does not exist', [{ type: 'put', key: 'kept', value: 'other' }]],
    ['no type', [{ key: 'kept', value: 'other' }]],
    ['a set without a value', [{ type: 'set', key: 'kept' }]],
    ['an unknown member', [{ type: 'set', key: 'kept', value: 'other', ttl: 7 }]],
  ])('a batch with %s is refused whole', async (_, operations) => {
    const db = await opened();
    expectArgumentError(await failure(() => db.batch(operations as never)));
    if (Array.isArray(operations)) {
      expectArgumentError(
        await failure(() => db.batch([{ type: 'delete', key: 'kept' }, ...operations] as never)),
      );
    }
    expect(await collect(db.entries())).toEqual([['kept', 'value']]);
  });

  test.each([
    ['no array', {}],
    ['neither equals nor exists', [{ key: 'kept' }]],
    ['both equals and exists', [{ key: 'kept', equals: 'value', exists: true }]],
    ['exists that is no boolean', [{ key: 'kept', exists: 1 }]],
    ['null', [null]],
  ])('checks with %s are refused', async (_, checks) => {
    const db = await opened();
    expectArgumentError(
      await failure(() => db.batch([{ type: 'delete', key: 'kept' }], { checks: checks as never })),
    );
    expect(await db.count()).toBe(1);
  });

  test.each([
    ['a number', 7],
    ['null', null],
    ['undefined', undefined],
    ['pairs that are none', [['key']]],
    ['members that are no pairs', ['key']],
  ])('setMany of %s is refused', async (_, entries) => {
    const db = await opened();
    expectArgumentError(await failure(() => db.setMany(entries as never)));
    expect(await db.count()).toBe(1);
  });

  test.each([7, null, undefined, {}])('getMany and deleteMany of %s are refused', async (keys) => {
    const db = await opened();
    expectArgumentError(await failure(() => db.getMany(keys as never)));
    expectArgumentError(await failure(() => db.deleteMany(keys as never)));
    expectArgumentError(thrown(() => db.getManySync(keys as never)));
  });

  test('an iterable that throws rejects with its error', async () => {
    const db = await opened();
    function* broken(): Generator<[string, string]> {
      yield ['new', 'value'];
      throw new Error('broken iterable');
    }
    expect((await failure(() => db.setMany(broken()))).message).toBe('broken iterable');
    await db.set('after', 'value');
    expect(await db.get('after')).toBe('value');
  });

  test('an increment by what is no integer is refused', async () => {
    const db = await opened();
    for (const by of [
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      '1',
      null,
      2n ** 63n,
      -(2n ** 63n) - 1n,
    ]) {
      expectArgumentError(await failure(() => db.increment('hits', by as never)));
    }
    expect(await failure(() => db.increment('hits', 1.5))).toBeInstanceOf(RangeError);
    expect(await db.has('hits')).toBe(false);
  });

  test('an update by what is no function is refused', async () => {
    const db = await opened();
    for (const fn of [undefined, null, 'value', {}])
      expectArgumentError(await failure(() => db.update('kept', fn as never)));
    expect(await db.get('kept')).toBe('value');
  });

  test('a sub of a bad prefix is refused', async () => {
    const db = await opened();
    for (const prefix of [undefined, null, 7, {}]) expectArgumentError(thrown(() => db.sub(prefix as never)));
    for (const prefix of ['\ud800', 'x'.repeat(2049)])
      expect(thrown(() => db.sub(prefix))).toMatchObject({ code: 'HIT_KEY_INVALID' });
  });
});
