import { describe, expect, test } from 'vitest';
import { toBytes } from '../../src/encoding.js';
import { KeySpace } from '../../src/keyspace.js';
import type { Range } from '../../src/types.js';

const bytes = (...values: number[]) => Uint8Array.from(values);
const all = new KeySpace(true);
const invalid = expect.objectContaining({ name: 'HitError', code: 'HIT_KEY_INVALID' });
const wrongType = expect.objectContaining({ name: 'TypeError', code: 'HIT_ARGUMENT' });

/** A range as text, NUL as 0. */
function shown(space: KeySpace, range: Range): [string, string | null] {
  const { start, end } = space.range(range);
  const text = (bound: Uint8Array) => Buffer.from(bound).toString('latin1').replaceAll('\0', '0');
  return [text(start), end === null ? null : text(end)];
}

describe('a range', () => {
  test.each<[Range, string, string | null]>([
    [{}, '', null],
    [{ gt: 'b' }, 'b0', null],
    [{ gte: 'b' }, 'b', null],
    [{ lt: 'b' }, '', 'b'],
    [{ lte: 'b' }, '', 'b0'],
    [{ prefix: 'b' }, 'b', 'c'],
    [{ prefix: '' }, '', null],
    [{ prefix: bytes(0x61, 0xff, 0xff) }, 'a\xff\xff', 'b'],
    [{ prefix: bytes(0xff) }, '\xff', null],
    [{ prefix: 'b', gte: 'a' }, 'b', 'c'],
    [{ prefix: 'b', gt: 'bb', lt: 'bd' }, 'bb0', 'bd'],
    [{ gte: 'b', lt: 'b' }, '', ''],
    [{ gt: 'd', lt: 'b' }, '', ''],
    [{ prefix: 'b', gte: 'c' }, '', ''],
    [{ gt: 'b', lte: 'b' }, '', ''],
    [{ gte: 'b', lte: 'b' }, 'b', 'b0'],
  ])('%j is half open', (range, start, end) => {
    expect(shown(all, range)).toEqual([start, end]);
  });

  test.each([
    { from: 'a' },
    { gt: undefined },
    { prefix: undefined },
    { gt: 'a', gte: 'a' },
    { lt: 'a', lte: 'a' },
    { gt: 7 },
    7,
    null,
  ])('%j is refused', (range) => {
    expect(() => all.range(range as Range)).toThrow(wrongType);
  });

  test.each([{ gt: '' }, { lte: bytes() }, { gte: '\ud800' }, { prefix: 'x'.repeat(2049) }])(
    '%j has a bound that is no key',
    (range) => {
      expect(() => all.range(range)).toThrow(invalid);
    },
  );
});

test('a range stays what it is when the caller changes the bytes of its bounds', () => {
  const bound = bytes(0x61);
  const ranges = [{ gte: bound }, { lt: bound }, { prefix: bound }].map((range) => all.range(range));
  const before = structuredClone(ranges);
  bound[0] = 0x7a;
  expect(ranges).toEqual(before);
});

describe('a key', () => {
  test.each([
    '',
    bytes(),
    'x'.repeat(2049),
    'é'.repeat(1025),
    '€'.repeat(683),
    new Uint8Array(2049),
    'a\udc00',
  ])('%# is refused', (key) => {
    expect(() => all.toRead(key)).toThrow(invalid);
  });

  test.each([
    'x',
    '\0',
    'x'.repeat(2048),
    'é'.repeat(1024),
    '€'.repeat(682),
    '𝄞'.repeat(512),
    new Uint8Array(2048),
  ])('%# is taken', (key) => {
    expect(all.toRead(key)).toBe(key);
  });

  test.each([7, null, undefined, {}, ['a'], new Uint16Array(1), new ArrayBuffer(1)])(
    '%j is no key',
    (key) => {
      expect(() => all.toRead(key)).toThrow(wrongType);
    },
  );

  test('that is not UTF-8 is read but not written where keys come back as text', () => {
    expect(all.toRead(bytes(0xff))).toEqual(bytes(0xff));
    expect(() => all.toWrite(bytes(0xff))).toThrow(invalid);
    expect(() => all.toWrite(bytes(0xff))).toThrow(expect.objectContaining({ keys: ['ff'] }));
    expect(all.toWrite(bytes(0xc3, 0xa9))).toEqual(bytes(0xc3, 0xa9));
    expect(new KeySpace(false).toWrite(bytes(0xff))).toEqual(bytes(0xff));
  });
});

describe('the space under a prefix', () => {
  const users = all.sub('usér:');

  test('puts its prefix in front of keys and takes it off again', () => {
    expect(users.toWrite('1')).toBe('usér:1');
    expect(users.strip('usér:1')).toBe('1');
    expect(users.sub('1:').toRead('a')).toBe('usér:1:a');
    expect(Buffer.from(toBytes(users.toRead(bytes(0x31)))).toString()).toBe('usér:1');
  });

  test('is one by text and by its bytes', () => {
    const same = all.sub(Buffer.from('usér:'));
    expect(same.toRead('1')).toBe('usér:1');
    expect(same.strip('usér:1')).toBe('1');
  });

  test('strips by bytes where keys come back as bytes', () => {
    const space = new KeySpace(false).sub('é');
    expect(space.strip(bytes(0xc3, 0xa9, 0x31))).toEqual(bytes(0x31));
    expect(new KeySpace(false).sub(bytes(0xff)).strip(bytes(0xff, 0x31))).toEqual(bytes(0x31));
  });

  test('keeps its prefix when the caller changes the bytes it was given', () => {
    const prefix = bytes(0x61);
    const space = new KeySpace(false).sub(prefix);
    prefix[0] = 0x7a;
    expect(toBytes(space.toRead('b'))).toEqual(Buffer.from('ab'));
  });

  test('cannot be under bytes that are no text where keys come back as text', () => {
    expect(() => all.sub(bytes(0xff))).toThrow(invalid);
    expect(() => all.sub('')).toThrow(invalid);
    expect(() => all.sub(7)).toThrow(wrongType);
  });

  test('holds the keys that go on behind the prefix', () => {
    const space = all.sub('b');
    expect(shown(space, {})).toEqual(['b0', 'c']);
    expect(shown(space, { prefix: '' })).toEqual(['b0', 'c']);
    expect(shown(space, { gte: 'x' })).toEqual(['bx', 'c']);
    expect(shown(space, { lt: 'x' })).toEqual(['b0', 'bx']);
    expect(shown(space, { prefix: 'x' })).toEqual(['bx', 'by']);
    expect(shown(new KeySpace(false).sub(bytes(0xff)), {})).toEqual(['\xff0', null]);
  });

  test('counts its prefix in the length of a key', () => {
    expect(() => users.toRead('x'.repeat(2043))).toThrow(invalid);
    expect(users.toRead('x'.repeat(2042))).toHaveLength(2047);
  });
});
