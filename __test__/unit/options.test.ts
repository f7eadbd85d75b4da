import { describe, expect, test } from 'vitest';
import { expiryOf, openRequest, scanRequest, writeRequest } from '../../src/options.js';

const wrongType = expect.objectContaining({ name: 'TypeError', code: 'HIT_ARGUMENT' });
const outOfRange = expect.objectContaining({ name: 'RangeError', code: 'HIT_ARGUMENT' });

describe('the options of open', () => {
  test('have defaults, and undefined counts as left out', () => {
    const expected = {
      engine: { textKeys: true, textValues: true },
      valueEncoding: 'utf8',
      signal: undefined,
    };
    expect(openRequest(undefined, 'file')).toEqual(expected);
    expect(openRequest({ durability: undefined, file: undefined }, 'memory')).toEqual(expected);
  });

  test('say what keys and values are', () => {
    expect(openRequest({ keyEncoding: 'binary', valueEncoding: 'binary' }, 'file').engine).toEqual({
      textKeys: false,
      textValues: false,
    });
    expect(openRequest({ valueEncoding: 'json' }, 'file').engine).toEqual({
      textKeys: true,
      textValues: true,
    });
  });

  test('go on to the engine', () => {
    const options = {
      durability: 'os',
      ioConcurrency: 2,
      maxPendingBytes: 1,
      createIfMissing: false,
      file: { segmentBytes: 65_536, compaction: false },
    };
    expect(openRequest(options, 'file').engine).toEqual({ ...options, textKeys: true, textValues: true });
  });

  test('of RocksDB go on to the engine', () => {
    const rocksdb = {
      raw: true,
      memoryBytes: 8 << 20,
      compression: 'none',
      blockBytes: 1024,
      backgroundThreads: 64,
    };
    for (const options of [{ rocksdb, ioConcurrency: 4, readOnly: true }, { rocksdb: {} }]) {
      expect(openRequest(options, 'rocksdb').engine).toEqual({
        ...options,
        textKeys: true,
        textValues: true,
      });
    }
  });

  test.each([
    { rocksdb: 7 },
    { rocksdb: [] },
    { rocksdb: null },
    { rocksdb: { blockSize: 4096 } },
    { rocksdb: { raw: 1 } },
    { rocksdb: { memoryBytes: '64MB' } },
    { rocksdb: { memoryBytes: 64n } },
    { rocksdb: { compression: true } },
    { rocksdb: { backgroundThreads: '2' } },
  ])('refuse %o as a wrong type or name of RocksDB', (options) => {
    expect(() => openRequest(options, 'rocksdb')).toThrow(wrongType);
  });

  test.each([
    { rocksdb: { memoryBytes: (8 << 20) - 1 } },
    { rocksdb: { memoryBytes: 2 ** 53 } },
    { rocksdb: { memoryBytes: Number.NaN } },
    { rocksdb: { compression: 'zstd' } },
    { rocksdb: { blockBytes: 1023 } },
    { rocksdb: { blockBytes: 2 ** 20 + 1 } },
    { rocksdb: { blockBytes: 4096.5 } },
    { rocksdb: { backgroundThreads: 0 } },
    { rocksdb: { backgroundThreads: 65 } },
  ])('refuse %o as out of range of RocksDB', (options) => {
    expect(() => openRequest(options, 'rocksdb')).toThrow(outOfRange);
  });

  test('of RocksDB name what they refuse', () => {
    expect(() => openRequest({ rocksdb: { blockSize: 1 } }, 'rocksdb')).toThrow('blockSize');
    expect(() => openRequest({ rocksdb: { blockBytes: 1 } }, 'rocksdb')).toThrow(
      'blockBytes is 1024 to 1048576 bytes, not 1',
    );
    expect(() => openRequest({ rocksdb: { memoryBytes: 1 } }, 'rocksdb')).toThrow('8388608 bytes or more');
    expect(() => openRequest({ maxMemoryBytes: 1 }, 'rocksdb')).toThrow(
      expect.objectContaining({ code: 'HIT_CONFIG', message: expect.stringContaining('memoryBytes }') }),
    );
  });

  test.each([
    { cache: 1 },
    { valueEncoding: 7 },
    { resident: 'yes' },
    { readOnly: 1 },
    { createIfMissing: null },
    { ioConcurrency: '2' },
    { onError: {} },
    { signal: {} },
    { file: 7 },
    { file: [] },
    { file: { segments: 1 } },
    { file: { segmentBytes: '1' } },
    { file: { compaction: 'no' } },
    [],
    'text',
    null,
  ])('refuse %j as a wrong type or name', (options) => {
    expect(() => openRequest(options, 'file')).toThrow(wrongType);
  });

  test.each([
    { valueEncoding: 'latin1' },
    { keyEncoding: 'json' },
    { durability: 'sometimes' },
    { ioConcurrency: 0 },
    { maxPendingBytes: 1.5 },
    { maxMemoryBytes: -1 },
    { maxMemoryBytes: 0.5 },
    { maxMemoryBytes: 2 ** 53 },
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
    { file: { segmentBytes: 65_535 } },
    { file: { segmentBytes: 2 ** 30 + 1 } },
  ])('refuse %j as out of range', (options) => {
    expect(() => openRequest(options, 'file')).toThrow(outOfRange);
  });

  test('name the option that is wrong', () => {
    expect(() => openRequest({ cache: 1 }, 'file')).toThrow('cache');
    expect(() => openRequest({ file: { segments: 1 } }, 'file')).toThrow('segments');
    expect(() => openRequest({ file: { segmentBytes: 1 } }, 'file')).toThrow('segmentBytes');
  });

  test.each([
    ['memory', { file: {} }],
    ['file', { rocksdb: {} }],
    ['file', { postgres: {} }],
    ['memory', { cassandra: {} }],
    ['memory', { rocksdb: {} }],
    ['rocksdb', { file: {} }],
  ])('of a %s: store are not those of another backend: %j', (kind, options) => {
    expect(() => openRequest(options, kind)).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
  });

  test('that are not built say so', () => {
    for (const kind of ['file', 'rocksdb']) {
      expect(() => openRequest({ resident: true }, kind)).toThrow(
        expect.objectContaining({ code: 'HIT_UNSUPPORTED' }),
      );
    }
  });

  test('readOnly and maxMemoryBytes are for stores with a disk', () => {
    for (const options of [{ readOnly: true }, { maxMemoryBytes: 0 }]) {
      expect(openRequest(options, 'file').engine).toMatchObject(options);
      expect(() => openRequest(options, 'memory')).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
    }
    expect(openRequest({ readOnly: false }, 'memory').engine).toMatchObject({ readOnly: false });
  });
});

describe('an expiry', () => {
  test('is a moment, or a time from now', () => {
    expect(expiryOf(undefined, undefined)).toBe(undefined);
    expect(expiryOf(undefined, 1)).toBe(1);
    const before = Date.now();
    const moment = expiryOf(0.5, undefined) as number;
    expect(moment).toBeGreaterThan(before);
    expect(Number.isInteger(moment)).toBe(true);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER])(
    'is not ttlMs %s',
    (ttlMs) => {
      expect(() => expiryOf(ttlMs, undefined)).toThrow(outOfRange);
    },
  );

  test.each([-1, 1.5, Number.NaN, 2 ** 53])('is not expiresAt %s', (expiresAt) => {
    expect(() => expiryOf(undefined, expiresAt)).toThrow(outOfRange);
  });

  test('is given in one way', () => {
    expect(() => expiryOf(1, 1)).toThrow(wrongType);
    expect(() => expiryOf('1', undefined)).toThrow(wrongType);
    expect(() => expiryOf(undefined, new Date())).toThrow(wrongType);
  });
});

test('a write refuses members it does not have', () => {
  expect(() => writeRequest({ ttl: 1 })).toThrow(wrongType);
  expect(() => writeRequest(7)).toThrow(wrongType);
  expect(writeRequest({ durability: 'os', ttlMs: undefined })).toEqual({
    durability: 'os',
    expiresAt: undefined,
  });
});

test('a scan parts its options from its range', () => {
  expect(scanRequest(undefined)).toEqual({
    range: undefined,
    reverse: false,
    limit: Number.POSITIVE_INFINITY,
    signal: undefined,
  });
  const { signal } = new AbortController();
  expect(scanRequest({ gte: 'a', reverse: true, limit: 0, signal })).toEqual({
    range: { gte: 'a' },
    reverse: true,
    limit: 0,
    signal,
  });
  expect(() => scanRequest({ limit: -1 })).toThrow(outOfRange);
  expect(() => scanRequest({ limit: 1.5 })).toThrow(outOfRange);
  expect(() => scanRequest({ limit: '1' })).toThrow(wrongType);
  expect(() => scanRequest({ reverse: 1 })).toThrow(wrongType);
  expect(() => scanRequest({ signal: {} })).toThrow(wrongType);
});
