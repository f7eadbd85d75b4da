import { expect, test } from 'vitest';
import type { NativeStore } from '../../src/native/binding.js';
import { Reader, WaitingReads } from '../../src/native/reads.js';

/** A reader over an addon that holds these entries. */
function reading(entries: Record<string, string>, text = true) {
  const calls: number[] = [];
  const invalid = () => Object.assign(new Error('not UTF-8'), { code: 'HIT_VALUE_INVALID' });
  const native: Pick<NativeStore, 'get' | 'getMany'> = {
    get(bytes, keyBytes) {
      const value = entries[Buffer.from(bytes).toString('utf8', 0, keyBytes)];
      if (value === 'bad') throw invalid();
      return value;
    },
    getMany(words, count, bytes, out) {
      calls.push(count);
      let at = 0;
      const values: (string | undefined)[] = [];
      for (let index = 0; index < count; index++) {
        const end = at + (words[index] as number);
        values.push(entries[Buffer.from(bytes).toString('utf8', at, end)]);
        at = end;
      }
      if (values.includes('bad')) throw invalid();
      const joined = Buffer.from(values.join(''));
      if (joined.length > out.length) return -joined.length;
      out.set(joined);
      values.forEach((value, index) => {
        words[index] = value === undefined ? 0xffffffff : Buffer.byteLength(value);
      });
      return joined.every((byte) => byte < 0x80) ? 1 : 0;
    },
  };
  return { reader: new Reader(native as NativeStore, text), calls };
}

test('values come back in the order of their keys, absent ones as undefined', () => {
  const { reader, calls } = reading({ a: '1', b: '', c: 'three' });
  expect(reader.getMany(['c', 'x', 'a', 'b'])).toEqual(['three', undefined, '1', '']);
  expect(reader.getMany([])).toEqual([]);
  expect(calls).toEqual([4]);
});

test('values of every length and alphabet come back whole', () => {
  const entries: Record<string, string> = {};
  for (let index = 0; index < 500; index++) entries[`key${index}`] = `${index}`.repeat(index % 200);
  const keys = Object.keys(entries);
  expect(reading(entries).reader.getMany(keys)).toEqual(Object.values(entries));
  entries.key250 = 'é𝄞';
  expect(reading(entries).reader.getMany(keys)).toEqual(Object.values(entries));
});

test('values larger than the buffer are read into a larger one', () => {
  const large = 'x'.repeat(300_000);
  const { reader, calls } = reading({ a: large, b: 'b' });
  expect(reader.getMany(['a', 'b', 'a'])).toEqual([large, 'b', large]);
  expect(calls).toEqual([3, 3]);
});

test('bytes come back as plain arrays of their own', () => {
  const { reader } = reading({ a: 'é', b: '' }, false);
  const [first, again, empty] = reader.getMany(['a', 'a', 'b']) as Uint8Array[];
  expect(first).toEqual(Uint8Array.of(0xc3, 0xa9));
  expect(first?.constructor).toBe(Uint8Array);
  expect(first?.buffer.byteLength).toBe(2);
  expect(first?.buffer).not.toBe(again?.buffer);
  expect(empty).toEqual(new Uint8Array());
});

test('the reads of a turn are made together', async () => {
  const { reader, calls } = reading({ a: '1', b: '2' });
  const waiting = new WaitingReads();
  const values = Promise.all([waiting.add('a'), waiting.add('b'), waiting.add('x')]);
  waiting.answer(reader);
  expect(await values).toEqual(['1', '2', undefined]);
  expect(calls).toEqual([3]);
  expect(waiting.size).toBe(0);
});

test('a key of bytes is read as it was when it was asked for', async () => {
  const { reader } = reading({ a: '1' });
  const waiting = new WaitingReads();
  const key = Buffer.from('a');
  const value = waiting.add(key);
  key[0] = 0x78;
  waiting.answer(reader);
  expect(await value).toBe('1');
});

test('one value that is no text rejects its own read only', async () => {
  const { reader } = reading({ a: '1', b: 'bad', c: '3' });
  const waiting = new WaitingReads();
  const reads = [waiting.add('a'), waiting.add('b'), waiting.add('c')];
  waiting.answer(reader);
  const results = await Promise.allSettled(reads);
  expect(results).toMatchObject([
    { status: 'fulfilled', value: '1' },
    { status: 'rejected', reason: { name: 'HitError', code: 'HIT_VALUE_INVALID' } },
    { status: 'fulfilled', value: '3' },
  ]);
});
