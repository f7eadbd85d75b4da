import { describe, expect, test } from 'vitest';
import { formatUrl, parsePath, parseUrl } from '../../src/url.js';

const posix = process.platform !== 'win32';

describe('a path', () => {
  test.each(['./data', '/var/data', 'data', 'a:b', './memory:', 'C:\\data', 'my-store:1', '%41 b'])(
    '%s is taken literally',
    (path) => {
      expect(parseUrl(path)).toEqual({ kind: 'file', path });
    },
  );

  test.each([
    ['file:./data', './data'],
    ['file:/var/data', '/var/data'],
    ['FILE:data', 'data'],
    ['file:a%20b?c#d', 'a%20b?c#d'],
  ])('%s is what follows the scheme, literally', (url, path) => {
    expect(parseUrl(url)).toEqual({ kind: 'file', path });
  });

  test.runIf(posix)('after file:// it is decoded as a file URL', () => {
    expect(parseUrl('file:///var/a%20b')).toEqual({ kind: 'file', path: '/var/a b' });
    expect(parseUrl(new URL('file:///var/a%20b'))).toEqual({ kind: 'file', path: '/var/a b' });
  });

  test.runIf(posix)('on another machine is refused', () => {
    expect(() => parseUrl('file://host/data')).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
  });

  test.each(['', 'file:', 'a\0b', 'file:a\0b', 'file:///a%00b', '\ud800'])('%j names no folder', (url) => {
    expect(() => parseUrl(url)).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
  });
});

test('memory: is a store of its own', () => {
  expect(parseUrl('memory:')).toEqual({ kind: 'memory' });
  expect(parseUrl(new URL('memory:'))).toEqual({ kind: 'memory' });
  expect(() => parseUrl('memory:cache')).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
});

describe('rocksdb: is followed by', () => {
  test.each([
    ['rocksdb:./rocks', './rocks'],
    ['ROCKSDB:/var/rocks', '/var/rocks'],
    ['rocksdb:a%20b?c#d', 'a%20b?c#d'],
  ])('a path as it is: %s', (url, path) => {
    expect(parseUrl(url)).toEqual({ kind: 'rocksdb', path });
  });

  test.runIf(posix)('two slashes, and is decoded as a file URL is', () => {
    expect(parseUrl('rocksdb:///var/a%20b')).toEqual({ kind: 'rocksdb', path: '/var/a b' });
    expect(parseUrl(new URL('rocksdb:///var/a%20b'))).toEqual({ kind: 'rocksdb', path: '/var/a b' });
    expect(parseUrl(new URL('rocksdb:/var/a%20b'))).toEqual({ kind: 'rocksdb', path: '/var/a b' });
    expect(() => parseUrl('rocksdb://host/data')).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
  });

  test.each(['rocksdb:', 'rocksdb:a\0b', 'rocksdb:///a%00b', 'rocksdb:\ud800'])(
    'the name of a folder, and %j is none',
    (url) => {
      expect(() => parseUrl(url)).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
    },
  );
});

test('a file is no store of RocksDB', () => {
  expect(parsePath('./dump.csv', 'dump')).toBe('./dump.csv');
  expect(() => parsePath('rocksdb:./rocks', 'dump')).toThrow(
    expect.objectContaining({ code: 'HIT_CONFIG', message: expect.stringContaining('dump takes a path') }),
  );
});

test.each(['postgres://user:secret@host/db', 'postgresql://host/db', 'cassandra://a,b/keyspace'])(
  '%s is known and not built',
  (url) => {
    expect(() => parseUrl(url)).toThrow(expect.objectContaining({ code: 'HIT_UNSUPPORTED' }));
    expect(() => parseUrl(url)).not.toThrow('secret');
  },
);

test('an unknown scheme names those that are known', () => {
  expect(() => parseUrl('redis://host')).toThrow(expect.objectContaining({ code: 'HIT_CONFIG' }));
  expect(() => parseUrl('redis://host')).toThrow('memory:');
});

test.each([undefined, null, 7, {}, []])('%j is no URL', (url) => {
  expect(() => parseUrl(url)).toThrow(TypeError);
  expect(() => parseUrl(url)).toThrow(expect.objectContaining({ code: 'HIT_ARGUMENT' }));
});

test('a location is told in one form', () => {
  expect(formatUrl(parseUrl('./data'))).toBe('file:./data');
  expect(formatUrl(parseUrl('ROCKSDB:./rocks'))).toBe('rocksdb:./rocks');
  expect(formatUrl(parseUrl('memory:'))).toBe('memory:');
});
