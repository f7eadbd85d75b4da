import { expect, test } from 'vitest';
import { nameKey, quoteKey, VALUE_CODECS } from '../../src/encoding.js';
import { MAX_VALUE_BYTES } from '../../src/limits.js';

const { utf8, binary, json } = VALUE_CODECS;
const wrongType = expect.objectContaining({ name: 'TypeError', code: 'HIT_ARGUMENT' });
const invalid = expect.objectContaining({ name: 'HitError', code: 'HIT_VALUE_INVALID' });
const tooLarge = expect.objectContaining({ name: 'HitError', code: 'HIT_VALUE_TOO_LARGE' });
const bytes = Uint8Array.of(1);

test.each([7, null, undefined, {}, bytes, Symbol('x')])('utf8 refuses %s', (value) => {
  expect(() => utf8.encode(value as never)).toThrow(wrongType);
});

test.each([7, null, undefined, {}, 'text', new Uint16Array(1), new ArrayBuffer(1), [1]])(
  'binary refuses %s',
  (value) => {
    expect(() => binary.encode(value as never)).toThrow(wrongType);
  },
);

test.each([undefined, () => 1, Symbol('x'), bytes, Buffer.from('x')])('json refuses %s', (value) => {
  expect(() => json.encode(value)).toThrow(wrongType);
});

test('json refuses what it cannot write, and keeps the reason', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const value of [cycle, 1n, { toJSON: () => 1n }]) {
    expect(() => json.encode(value)).toThrow(invalid);
    expect(() => json.encode(value)).toThrow(expect.objectContaining({ cause: expect.any(TypeError) }));
  }
});

test('a lone surrogate is refused as text and carried by JSON', () => {
  for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800']) {
    expect(() => utf8.encode(text)).toThrow(invalid);
    expect(json.decode(json.encode(text) as string)).toBe(text);
  }
  expect(utf8.encode('𝄞')).toBe('𝄞');
});

test('an empty value and NUL are values', () => {
  expect(utf8.encode('')).toBe('');
  expect(utf8.encode('\0')).toBe('\0');
  expect(binary.encode(new Uint8Array())).toEqual(new Uint8Array());
});

test('a value is measured in bytes', () => {
  expect(utf8.encode('x'.repeat(MAX_VALUE_BYTES))).toHaveLength(MAX_VALUE_BYTES);
  expect(() => utf8.encode('x'.repeat(MAX_VALUE_BYTES + 1))).toThrow(tooLarge);
  expect(() => utf8.encode('é'.repeat(MAX_VALUE_BYTES / 2 + 1))).toThrow(tooLarge);
  expect(() => json.encode('x'.repeat(MAX_VALUE_BYTES))).toThrow(tooLarge);
  expect(() => binary.encode(new Uint8Array(MAX_VALUE_BYTES + 1))).toThrow(tooLarge);
});

test('stored text that is not JSON names its key', () => {
  expect(() => json.decode('{', 'k')).toThrow(invalid);
  expect(() => json.decode('{', 'k')).toThrow(expect.objectContaining({ keys: ['k'] }));
  expect(() => json.decode('{', Uint8Array.of(0xff))).toThrow('ff');
});

test('a key is named as text, or in hex where it is none', () => {
  expect(nameKey('é')).toBe('é');
  expect(nameKey(Buffer.from('é'))).toBe('é');
  expect(nameKey(Uint8Array.of(0xff, 0x00))).toBe('ff00');
  expect(quoteKey('a"b')).toBe('"a\\"b"');
  expect(quoteKey('x'.repeat(500)).length).toBeLessThan(100);
});
