import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { collect } from './collect.js';
import { expectArgumentError, failure, thrown } from './failure.js';
import { closing, kinds, temporaryFolder } from './place.js';

describe.each(kinds)('encodings of $kind', ({ url }) => {
  test.each([
    ['ASCII', 'plain'],
    ['Latin-1', 'é'.repeat(100)],
    ['three bytes a character', '漢字かな'.repeat(50)],
    ['four bytes a character', '👩‍👩‍👧 𝒳'.repeat(20)],
    ['ASCII with one other at the end', `${'x'.repeat(5000)}é`],
    ['a byte order mark', '\ufefftext'],
    ['a replacement character', '\ufffd'],
    [
      'all of the first characters',
      Array.from({ length: 0x800 }, (_, code) => String.fromCharCode(code)).join(''),
    ],
  ])('text of %s comes back as it was, by every way of reading', async (_, text) => {
    const db = closing(await open(await url()));
    const key = text.slice(0, 20);
    await db.set(key, text);
    expect(db.getSync(key)).toBe(text);
    expect(await db.get(key)).toBe(text);
    expect(await db.getEntry(key)).toEqual({ value: text });
    expect(await db.getMany([key, 'absent', key])).toEqual([text, undefined, text]);
    expect(db.getManySync([key])).toEqual([text]);
    expect(await collect(db.entries())).toEqual([[key, text]]);
    expect([...db.entriesSync()]).toEqual([[key, text]]);
    expect([...db.keysSync()]).toEqual([key]);
    expect([...db.valuesSync()]).toEqual([text]);
  });

  test('texts of all sorts in one turn and one page stay apart', async () => {
    const db = closing(await open(await url()));
    const pieces = [
      '',
      'a',
      'é',
      '漢',
      '😀',
      'x'.repeat(300),
      'é'.repeat(300),
      '😀'.repeat(300),
      'y'.repeat(3000),
    ];
    const entries = Array.from(
      { length: 500 },
      (_, number) =>
        [`${number}${pieces[number % 5]}`, `${pieces[number % 9]}${pieces[(number >> 3) % 9]}`] as [
          string,
          string,
        ],
    );
    const writes = entries.map(([key, value]) => db.set(key, value));
    expect(db.getManySync(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
    await Promise.all(writes);
    expect(await db.getMany(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
    expect(await Promise.all(entries.map(([key]) => db.get(key)))).toEqual(entries.map(([, value]) => value));
    expect(new Map(await collect(db.entries()))).toEqual(new Map(entries));
    expect(new Map(db.entriesSync())).toEqual(new Map(entries));
  });

  test('a text and its UTF-8 bytes are one key', async () => {
    const db = closing(await open(await url()));
    await db.set('ключ', 'text');
    expect(await db.get(Buffer.from('ключ'))).toBe('text');
    expect(db.getSync(new TextEncoder().encode('ключ'))).toBe('text');
    await db.set(Buffer.from('ключ'), 'bytes');
    expect(await db.get('ключ')).toBe('bytes');
    expect(await db.count({ gte: Buffer.from('к'), lt: 'л' })).toBe(1);
    await db.delete(Buffer.from('ключ'));
    expect(await db.count()).toBe(0);
  });

  test('bytes are copied on their way in and out', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'binary', keyEncoding: 'binary' }));
    const key = Buffer.from('key');
    const value = Buffer.from('value');
    const write = db.set(key, value);
    key.fill(0);
    value.fill(0);
    await write;
    const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes as Uint8Array).toString();
    const found = (await db.get(Buffer.from('key'))) as Uint8Array;
    expect(text(found)).toBe('value');
    found.fill(0);
    const [first, second] = (await db.getMany([Buffer.from('key'), Buffer.from('key')])) as [
      Uint8Array,
      Uint8Array,
    ];
    first.fill(0);
    expect(text(second)).toBe('value');
    for await (const [scannedKey, scannedValue] of db.entries()) {
      scannedKey.fill(0);
      scannedValue.fill(0);
    }
    expect([...db.keysSync()].map(text)).toEqual(['key']);
    expect(text(db.getSync(Buffer.from('key')))).toBe('value');
  });

  test('parts of larger buffers, and Buffers, are bytes', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'binary' }));
    const whole = Uint8Array.from({ length: 100 }, (_, index) => index);
    await db.set(whole.subarray(10, 20), whole.subarray(30, 40));
    expect(await db.get(whole.slice(10, 20))).toEqual(whole.slice(30, 40));
    const value = await db.get(Buffer.from(whole.slice(10, 20)));
    expect(value).toBeInstanceOf(Uint8Array);
    // The caller's own: its buffer holds nothing of another value.
    expect((value as Uint8Array).buffer.byteLength).toBe(10);
  });

  test('text as a value is a TypeError under binary', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'binary' }));
    for (const value of ['text', 7, null, undefined, {}, new Uint16Array(2)]) {
      expectArgumentError(await failure(() => db.set('key', value as never)));
    }
    expect(await db.count()).toBe(0);
  });

  test('json keeps what JSON keeps', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'json' }));
    const values = [
      null,
      true,
      false,
      0,
      -1.5,
      '',
      'é😀',
      [],
      {},
      [1, [2, { a: 'b' }]],
      { '': null, __proto__x: 1 },
      'v'.repeat(5000),
    ];
    await db.setMany(values.map((value, index) => [`key${index}`, value] as const));
    expect(await db.getMany(values.map((_, index) => `key${index}`))).toEqual(values);
    for (const [index, value] of values.entries()) expect(db.getSync(`key${index}`)).toEqual(value);
    await db.set('date', new Date(0));
    expect(await db.get('date')).toBe('1970-01-01T00:00:00.000Z');
  });

  test('what JSON cannot keep is refused', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'json' }));
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    for (const value of [
      undefined,
      () => {},
      Symbol('s'),
      cyclic,
      1n,
      new Uint8Array(3),
      { toJSON: () => undefined },
    ]) {
      const error = await failure(() => db.set('key', value));
      expect(['HIT_ARGUMENT', 'HIT_VALUE_INVALID']).toContain(error.code);
    }
    const own = await failure(() =>
      db.set('key', {
        toJSON() {
          throw new Error('of its own');
        },
      }),
    );
    expect(`${own.message} ${own.cause}`).toContain('of its own');
    expect(await db.count()).toBe(0);
    await db.set('key', 1);
    expect(await db.get('key')).toBe(1);
  });

  test('lone surrogates are kept by json, which escapes them', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'json' }));
    await db.set('key', '\ud800');
    expect(await db.get('key')).toBe('\ud800');
  });

  test('a key that is not UTF-8 is refused at write under utf8 keys', async () => {
    const db = closing(await open(await url()));
    for (const key of [
      [0xff],
      [0xc3, 0x28],
      [0xed, 0xa0, 0x80],
      [0xc0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x61, 0xe2, 0x82],
    ]) {
      const bytes = Uint8Array.from(key);
      for (const call of [
        () => db.set(bytes, 'value'),
        () => db.setMany([[bytes, 'value']]),
        () => db.batch([{ type: 'set', key: bytes, value: 'value' }]),
        () => db.increment(bytes),
        () => db.update(bytes, () => 'value'),
      ]) {
        expect(await failure(call)).toMatchObject({ code: 'HIT_KEY_INVALID' });
      }
    }
    expect(await db.count()).toBe(0);
  });
});

test('stored bytes that are not text are HIT_VALUE_INVALID, naming the key', async () => {
  const url = `file:${await temporaryFolder()}`;
  const binary = closing(await open(url, { valueEncoding: 'binary' }));
  const text = closing(await open(url));
  const json = closing(await open(url, { valueEncoding: 'json' }));
  await binary.set('fine', Buffer.from('1'));
  await binary.set('key', Uint8Array.of(0x61, 0xff, 0x62));
  const named = {
    code: 'HIT_VALUE_INVALID',
    message: expect.stringContaining(Buffer.from('key').toString('hex')),
  };
  for (const db of [text, json]) {
    expect(await failure(() => db.get('key'))).toMatchObject(named);
    expect(thrown(() => db.getSync('key'))).toMatchObject(named);
    expect(await failure(() => db.getEntry('key'))).toMatchObject(named);
    expect(await failure(() => db.getMany(['fine', 'key']))).toMatchObject(named);
    expect(thrown(() => db.getManySync(['key', 'fine']))).toMatchObject(named);
    expect(await failure(() => collect(db.entries()))).toMatchObject(named);
    expect(thrown(() => [...db.valuesSync()])).toMatchObject(named);
    // What does not need the value does not mind it.
    expect(await db.has('key')).toBe(true);
    expect([...db.keysSync()]).toEqual(['fine', 'key']);
    expect(await db.count()).toBe(2);
  }
  // One bad value among the reads of a turn fails its own read only.
  const [good, bad] = await Promise.allSettled([text.get('fine'), text.get('key')]);
  expect(good).toEqual({ status: 'fulfilled', value: '1' });
  expect(bad?.status).toBe('rejected');
  await binary.set('key', Buffer.from('{'));
  expect(await failure(() => json.get('key'))).toMatchObject(named);
  expect(await text.get('key')).toBe('{');
});

test('stored keys that are not text are HIT_KEY_INVALID or HIT_VALUE_INVALID in a scan of text keys, never U+FFFD', async () => {
  const url = `file:${await temporaryFolder()}`;
  const binary = closing(await open(url, { keyEncoding: 'binary' }));
  const text = closing(await open(url));
  await binary.set(Uint8Array.of(0x61, 0xff), 'value');
  for (const error of [await failure(() => collect(text.keys())), thrown(() => [...text.entriesSync()])]) {
    expect(error.code).toMatch(/^HIT_(KEY|VALUE)_INVALID$/);
    expect(error.message).toContain('61ff');
  }
  expect([...binary.valuesSync()]).toEqual(['value']);
});
