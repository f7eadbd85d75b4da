import { expect } from 'vitest';
import { failure } from '../failure.js';
import { bytes, type Case } from './case.js';

/** Keys and values: what goes in comes out. */
export const values: Case[] = [
  {
    name: 'an_absent_key_has_no_value',
    async run(trial) {
      const db = await trial.text();
      expect(await db.get('absent')).toBeUndefined();
      expect(await db.getEntry('absent')).toBeUndefined();
      expect(await db.has('absent')).toBe(false);
      expect(await db.count()).toBe(0);
    },
  },
  {
    name: 'a_set_value_is_read_back',
    async run(trial) {
      const db = await trial.text();
      await db.set('key', 'value');
      expect(await db.get('key')).toBe('value');
      expect(await db.getEntry('key')).toEqual({ value: 'value' });
      expect(await db.has('key')).toBe(true);
      expect(await db.count()).toBe(1);
    },
  },
  {
    name: 'a_set_replaces_the_value_before',
    async run(trial) {
      const db = await trial.text();
      for (const value of ['first', 'a much longer second value '.repeat(100), '', 'last']) {
        await db.set('key', value);
        expect(await db.get('key')).toBe(value);
      }
      expect(await db.count()).toBe(1);
    },
  },
  {
    name: 'an_empty_value_is_a_value',
    async run(trial) {
      const db = await trial.text();
      await db.set('empty', '');
      expect(await db.get('empty')).toBe('');
      expect(await db.has('empty')).toBe(true);
    },
  },
  {
    name: 'keys_and_values_are_any_bytes',
    async run(trial) {
      const db = await trial.bytes();
      const keys = Array.from({ length: 256 }, (_, byte) => bytes(byte));
      keys.push(bytes(0, 0), bytes(0xff, 0xff), bytes(0xc3, 0x28), bytes('a\0b'), bytes('../../etc/passwd'));
      await Promise.all(keys.map((key) => db.set(key, bytes(0, ...key, 0xff))));
      for (const key of keys) expect(await db.get(key)).toEqual(bytes(0, ...key, 0xff));
      expect(await db.count()).toBe(keys.length);
    },
  },
  {
    name: 'keys_differ_to_the_last_byte',
    async run(trial) {
      const db = await trial.text();
      // Prefixes of one another, equal in their first 8 bytes, and with zero bytes behind.
      const keys = [
        'a',
        'a\0',
        'a\0\0',
        'aa',
        'eightlong',
        'eightlon',
        'eightlong\0',
        'eightlongs',
        'x'.repeat(2047),
        'x'.repeat(2048),
      ];
      await Promise.all(keys.map((key, index) => db.set(key, String(index))));
      expect(await db.getMany(keys)).toEqual(keys.map((_, index) => String(index)));
      await db.delete('eightlong');
      expect(await db.getMany(['eightlon', 'eightlong', 'eightlongs'])).toEqual(['5', undefined, '7']);
    },
  },
  {
    name: 'the_longest_key_is_accepted',
    async run(trial) {
      const db = await trial.bytes();
      const longest = new Uint8Array(2048).fill(0xff);
      await db.set(longest, bytes('value'));
      expect(await db.get(longest)).toEqual(bytes('value'));
      await db.delete(longest);
      expect(await db.has(longest)).toBe(false);
    },
  },
  {
    name: 'an_empty_or_over_long_key_is_refused',
    async run(trial) {
      const db = await trial.bytes();
      for (const key of [new Uint8Array(), new Uint8Array(2049), new Uint8Array(100_000)]) {
        for (const call of [
          () => db.get(key),
          () => db.has(key),
          () => db.set(key, bytes('value')),
          () => db.delete(key),
          () => db.getMany([bytes('fine'), key]),
        ]) {
          expect(await failure(call)).toMatchObject({ code: 'HIT_KEY_INVALID' });
        }
      }
      expect(await db.count()).toBe(0);
      await db.set(bytes('fine'), bytes('value'));
      expect(await db.get(bytes('fine'))).toEqual(bytes('value'));
    },
  },
  {
    name: 'values_of_every_size_are_read_back',
    async run(trial) {
      const db = await trial.bytes();
      // Around every size at which something changes: varints, values with their own checksum, slabs and pages.
      const sizes = [
        0, 1, 127, 128, 255, 256, 257, 4095, 4096, 16_383, 16_384, 65_535, 65_536, 262_144, 1_048_579,
      ];
      const value = (size: number) => new Uint8Array(size).map((_, index) => (index * 31 + size) & 0xff);
      await Promise.all(sizes.map((size) => db.set(bytes(`size ${size}`), value(size))));
      for (const size of sizes) {
        const found = await db.get(bytes(`size ${size}`));
        expect(found?.length).toBe(size);
        expect(Buffer.compare(found as Uint8Array, value(size))).toBe(0);
      }
    },
  },
  {
    name: 'a_value_over_the_limit_is_refused',
    async run(trial) {
      const db = await trial.bytes();
      const value = new Uint8Array(db.supports.maxValueBytes + 1);
      expect(await failure(() => db.set(bytes('large'), value))).toMatchObject({
        code: 'HIT_VALUE_TOO_LARGE',
      });
      expect(await db.has(bytes('large'))).toBe(false);
      await db.set(bytes('large'), bytes('small'));
      expect(await db.get(bytes('large'))).toEqual(bytes('small'));
    },
  },
  {
    name: 'a_deleted_key_is_absent',
    async run(trial) {
      const db = await trial.text();
      await db.set('key', 'value');
      await db.set('other', 'stays');
      await db.delete('key');
      expect(await db.getMany(['key', 'other'])).toEqual([undefined, 'stays']);
      expect(await db.count()).toBe(1);
      await db.set('key', 'again');
      expect(await db.get('key')).toBe('again');
    },
  },
  {
    name: 'deleting_an_absent_key_succeeds',
    async run(trial) {
      const db = await trial.text();
      await db.delete('absent');
      await db.deleteMany(['absent', 'absent', 'other']);
      expect(await db.count()).toBe(0);
    },
  },
  {
    name: 'many_keys_are_read_in_the_order_asked',
    async run(trial) {
      const db = await trial.text();
      await Promise.all(Array.from({ length: 500 }, (_, number) => db.set(`key${number}`, `value${number}`)));
      const asked = Array.from({ length: 700 }, (_, number) => `key${(number * 37) % 650}`);
      expect(await db.getMany([...asked, 'key1', 'key1'])).toEqual([
        ...asked.map((key) => (Number(key.slice(3)) < 500 ? `value${key.slice(3)}` : undefined)),
        'value1',
        'value1',
      ]);
      expect(await db.getMany([])).toEqual([]);
    },
  },
  {
    name: 'many_entries_are_set_and_deleted_together',
    async run(trial) {
      const db = await trial.text();
      const keys = Array.from({ length: 3000 }, (_, number) => `key${number}`);
      await db.setMany(keys.map((key) => [key, `of ${key}`] as const));
      expect(await db.getMany(keys)).toEqual(keys.map((key) => `of ${key}`));
      await db.deleteMany(keys.slice(0, 2000));
      expect(await db.count()).toBe(1000);
      expect(await db.getMany(['key1999', 'key2000'])).toEqual([undefined, 'of key2000']);
    },
  },
];
