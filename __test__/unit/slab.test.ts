import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../src/engine.js';
import { KeyBuffers } from '../../src/native/keys.js';
import { DELETE, DELETE_RANGE, END, EXPIRY, INCREMENT, SET, Slab } from '../../src/native/slab.js';
import { writeText } from '../../src/native/text.js';

interface Read {
  kind: number;
  key: string;
  value: string;
  integer?: [number, number];
}

/** Reads a slab as the addon does. */
function read(slab: Slab): Read[] {
  slab.finish();
  const { words, bytes, wordCount, byteCount } = slab;
  const operations: Read[] = [];
  let at = 0;
  for (let word = 0; word < wordCount; ) {
    const head = words[word++] as number;
    const kind = head & 0xff;
    const value = at + (head >>> 8);
    const end = value + (words[word++] as number);
    const operation: Read = {
      kind,
      key: bytes.toString('utf8', at, value),
      value: bytes.toString('utf8', value, end),
    };
    if (kind & EXPIRY || kind === INCREMENT)
      operation.integer = [words[word++] as number, words[word++] as number];
    operations.push(operation);
    at = end;
  }
  expect(at).toBe(byteCount);
  return operations;
}

function filled(operations: [Bytes, Bytes][]): Slab {
  const slab = new Slab();
  for (const [key, value] of operations) {
    if (!slab.fits(key, value)) slab.grow(key, value);
    slab.add(SET, key, value);
  }
  return slab;
}

describe('a slab', () => {
  test('holds operations in order', () => {
    const slab = new Slab();
    slab.add(SET, 'a', 'one');
    slab.addWithInteger(SET | EXPIRY, 'b', 'two', 7, 8);
    slab.add(DELETE, 'c', '');
    slab.addWithInteger(INCREMENT, 'd', '', 0xffffffff, 9);
    slab.add(DELETE_RANGE | END, Buffer.from('e'), Buffer.from('f'));
    slab.add(SET, 'g', '');
    expect(read(slab)).toEqual([
      { kind: SET, key: 'a', value: 'one' },
      { kind: SET | EXPIRY, key: 'b', value: 'two', integer: [7, 8] },
      { kind: DELETE, key: 'c', value: '' },
      { kind: INCREMENT, key: 'd', value: '', integer: [0xffffffff, 9] },
      { kind: DELETE_RANGE | END, key: 'e', value: 'f' },
      { kind: SET, key: 'g', value: '' },
    ]);
  });

  test('writes a stretch again where some of it is not ASCII', () => {
    const slab = new Slab();
    slab.add(SET, 'plain', 'text');
    slab.addWithInteger(SET | EXPIRY, 'schlüssel', 'wert', 1, 2);
    slab.add(DELETE, '键', '');
    slab.add(SET, 'tail', '𝄞');
    expect(read(slab)).toEqual([
      { kind: SET, key: 'plain', value: 'text' },
      { kind: SET | EXPIRY, key: 'schlüssel', value: 'wert', integer: [1, 2] },
      { kind: DELETE, key: '键', value: '' },
      { kind: SET, key: 'tail', value: '𝄞' },
    ]);
  });

  // Lengths around the stretch, around what is written singly, and around the slab; bytes and text mixed.
  const parts = ['x', 'é', '€', '𝄞'].flatMap((text) =>
    [1, 31, 33, 400, 1023, 1024, 1025, 3000].map((length) => text.repeat(length)),
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
    slab.add(SET, 'first', 'ü');
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
    let count = 0;
    while (slab.fits('ключ', '值'.repeat(17))) {
      slab.add(SET, 'ключ', '值'.repeat(17));
      count++;
    }
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
