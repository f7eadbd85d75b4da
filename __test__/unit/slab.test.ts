import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../src/engine.js';
import { KeyBuffers } from '../../src/native/keys.js';
import * as kinds from '../../src/native/operation.js';
import { Slab } from '../../src/native/slab.js';
import { writeText } from '../../src/native/text.js';
import { type Read, readOperations } from './encoded-operations.js';

const { SET, SET_EXPIRING, DELETE } = kinds;

function read(slab: Slab): Read[] {
  slab.finish();
  return readOperations(slab.bytes.subarray(0, slab.byteCount));
}

function addSet(slab: Slab, key: Bytes, value: Bytes): void {
  if (slab.tryAddSet(key, value)) return;
  if (!slab.fits(key, value)) slab.grow(key, value);
  slab.add(SET, key, value);
}

function filled(operations: [Bytes, Bytes][]): Slab {
  const slab = new Slab();
  for (const [key, value] of operations) addSet(slab, key, value);
  return slab;
}

describe('a slab', () => {
  test('holds operations in order, those of the log in its form', () => {
    const slab = new Slab();
    expect(slab.isEmpty).toBe(true);
    expect(slab.tryAddSet('a', 'one')).toBe(true);
    slab.add(SET_EXPIRING, 'b', 'two', 7, 8);
    expect(slab.tryAddDelete('c')).toBe(true);
    slab.add(kinds.DELETE_RANGE_TO_END, Buffer.from('e'), Buffer.from('f'));
    slab.add(kinds.DELETE_RANGE, Buffer.from('e'), '');
    slab.add(SET, 'g', '');
    slab.add(SET, 'h', 'x'.repeat(300));
    slab.finish();
    expect(slab.bytes.toString('latin1', 0, slab.byteCount)).toBe(
      [
        '\x01\x01\x03aone',
        '\x05\x01\x03\x07\0\0\0\x08\0\0\0btwo',
        '\x02\x01c',
        '\x07\x01\x01ef',
        '\x03\x01e',
        '\x01\x01\x00g',
        `\x01\x01\xac\x02h${'x'.repeat(300)}`,
      ].join(''),
    );
    expect(slab.isEmpty).toBe(false);
    slab.clear();
    expect([slab.isEmpty, slab.byteCount]).toEqual([true, 0]);
  });

  test('holds what the log does not have', () => {
    const slab = new Slab();
    slab.add(kinds.CHECK_EQUALS, 'a', 'b');
    slab.add(kinds.CHECK_EXISTS, 'c', '');
    slab.add(kinds.CHECK_ABSENT, Buffer.from('d'), '');
    slab.add(kinds.SET_KEEPING_EXPIRY, 'ë', 'f');
    slab.add(kinds.INCREMENT, 'g', '', 0xffffffff, 0xffffffff);
    slab.add(kinds.EXPIRE, 'h', '', 5, 1);
    slab.add(kinds.EXPIRE_NEVER, 'i', '');
    expect(read(slab)).toEqual([
      { kind: kinds.CHECK_EQUALS, key: 'a', value: 'b' },
      { kind: kinds.CHECK_EXISTS, key: 'c' },
      { kind: kinds.CHECK_ABSENT, key: 'd' },
      { kind: kinds.SET_KEEPING_EXPIRY, key: 'ë', value: 'f' },
      { kind: kinds.INCREMENT, key: 'g', integer: -1n },
      { kind: kinds.EXPIRE, key: 'h', integer: 2n ** 32n + 5n },
      { kind: kinds.EXPIRE_NEVER, key: 'i' },
    ]);
  });

  test('writes a stretch again where some of it is not ASCII', () => {
    const slab = new Slab();
    slab.tryAddSet('plain', 'text');
    slab.add(SET_EXPIRING, 'schlüssel', 'wert', 1, 2);
    slab.tryAddDelete('键');
    slab.tryAddSet('tail', '𝄞');
    slab.finish();
    // What follows is written singly for a while, and then gathered again.
    expect([slab.tryAddSet('a', 'b'), slab.tryAddDelete('a')]).toEqual([false, false]);
    for (let count = 0; count < 300; count++) slab.add(DELETE, 'ö', '');
    expect(slab.tryAddSet('last', 'ß'.repeat(127))).toBe(true);
    expect(read(slab)).toEqual([
      { kind: SET, key: 'plain', value: 'text' },
      { kind: SET_EXPIRING, key: 'schlüssel', value: 'wert', integer: 2n ** 33n + 1n },
      { kind: DELETE, key: '键' },
      { kind: SET, key: 'tail', value: '𝄞' },
      ...Array.from({ length: 300 }, () => ({ kind: DELETE, key: 'ö' })),
      { kind: SET, key: 'last', value: 'ß'.repeat(127) },
    ]);
  });

  // Lengths around the stretch, around what is written singly, and around the slab; bytes and text mixed.
  const parts = ['x', 'é', '€', '𝄞'].flatMap((text) =>
    [1, 31, 33, 127, 128, 400, 1023, 1024, 1025, 3000, 17_000].map((length) => text.repeat(length)),
  );
  test.each([
    ['text', (text: string, _: number): Bytes => text],
    ['bytes', (text: string, _: number): Bytes => Buffer.from(text)],
    ['both', (text: string, index: number): Bytes => (index % 3 === 0 ? Buffer.from(text) : text)],
  ])('holds keys and values of every length as %s', (_, form) => {
    const operations: [Bytes, Bytes][] = [];
    const expected: Read[] = [];
    for (const [index, value] of parts.entries()) {
      for (const key of ['k', 'ключ', 'x'.repeat(700)]) {
        operations.push([key, form(value, index)]);
        expected.push({ kind: SET, key, value });
      }
    }
    expect(read(filled(operations))).toEqual(expected);
  });

  test('says when an operation may not fit, and grows for one that must', () => {
    const slab = new Slab();
    const large = '€'.repeat(100_000);
    slab.tryAddSet('first', 'ü');
    expect(slab.fits('second', large)).toBe(false);
    slab.grow('second', large);
    slab.add(SET, 'second', large);
    expect(slab.grown).toBe(true);
    expect(read(slab)).toEqual([
      { kind: SET, key: 'first', value: 'ü' },
      { kind: SET, key: 'second', value: large },
    ]);
    slab.clear();
    expect(slab.grown).toBe(false);
    expect(read(slab)).toEqual([]);
  });

  test('takes more operations than it has room for when it grows', () => {
    const operations = Array.from({ length: 50_000 }, (_, index): [Bytes, Bytes] => [
      `key${index}`,
      `välue${index}`,
    ]);
    expect(read(filled(operations))).toEqual(operations.map(([key, value]) => ({ kind: SET, key, value })));
  });

  test('never holds more than was said to fit', () => {
    const slab = new Slab();
    const [key, value] = ['ключ', '值'.repeat(17)];
    let count = 0;
    for (; slab.fits(key, value); count++) if (!slab.tryAddSet(key, value)) slab.add(SET, key, value);
    expect(slab.grown).toBe(false);
    expect(read(slab)).toHaveLength(count);
    expect(count).toBeGreaterThan(1000);
  });
});

test('short and long text is written as UTF-8', () => {
  const buffer = Buffer.alloc(1000);
  for (const text of ['', 'a', 'é', 'x'.repeat(32), 'x'.repeat(33), `${'x'.repeat(31)}𝄞`, '€'.repeat(200)]) {
    const length = writeText(text, buffer, 3);
    expect(buffer.toString('utf8', 3, 3 + length)).toBe(text);
  }
});

test('keys to read are joined, and their lengths are in bytes', () => {
  const buffers = new KeyBuffers();
  const keys: Bytes[] = [
    ...Array.from({ length: 100 }, (_, index) => `key${index}`),
    ...Array.from({ length: 2000 }, (_, index) =>
      index % 5 ? `ключ${index}` : Buffer.from(`bytes${index}`),
    ),
    ...Array.from({ length: 100 }, () => '€'.repeat(682)),
  ];
  buffers.putMany(keys);
  let at = 0;
  for (const [index, key] of keys.entries()) {
    const end = at + (buffers.words[index] as number);
    expect(buffers.bytes.toString('utf8', at, end)).toBe(key.toString());
    at = end;
  }
  buffers.shrink();
  expect(buffers.putOne('ключ')).toBe(8);
});
