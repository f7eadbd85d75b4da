/** With `maxMemoryBytes` large values are on disk: everything reads as before, and memory stays small. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type HitError, open, type Store } from '../index.js';
import { collect } from './collect.js';
import { temporaryFolder } from './place.js';

const COUNT = 300;

/** Of some hundred to some thousand characters, some of them not ASCII. */
const valueAt = (number: number, round = 0) =>
  `${number}/${round}${number % 5 === 0 ? 'é' : 'e'};`.repeat(60 + (number % 7) * 60);

async function filled(folder: string, maxMemoryBytes: number): Promise<Store<string>> {
  const db = await open(folder, { maxMemoryBytes, durability: 'os' });
  await db.setMany(Array.from({ length: COUNT }, (_, number) => [`key${number}`, valueAt(number)] as const));
  await settled(db);
  return db;
}

/** The second answer comes behind the giving up of what was too much. */
async function settled(db: Store<string>): Promise<void> {
  await db.flush();
  await db.flush();
}

test.each([0, 50_000])('values beyond %i bytes are read from disk in every way', async (budget) => {
  const folder = await temporaryFolder();
  let db = await filled(folder, budget);
  const keys = Array.from({ length: COUNT }, (_, number) => `key${number}`);
  const values = keys.map((_, number) => valueAt(number));
  for (const reopened of [false, true]) {
    if (reopened) {
      await db.close();
      db = await open(folder, { maxMemoryBytes: budget });
    }
    const { largeValueBytes, storedValues, storedBytes } = db.stats();
    expect(largeValueBytes).toBeLessThanOrEqual(budget);
    expect(storedValues).toBeGreaterThan(COUNT / 2);
    expect((largeValueBytes as number) + (storedBytes as number)).toBe(Buffer.byteLength(values.join('')));
    expect(await Promise.all(keys.map((key) => db.get(key)))).toEqual(values);
    expect(await db.getMany(keys)).toEqual(values);
    expect(db.getManySync(keys)).toEqual(values);
    expect(keys.map((key) => db.getSync(key))).toEqual(values);
    expect(await db.get('absent')).toBeUndefined();
    const pairs = keys.map((key, number) => [key, values[number]]).sort();
    expect([...db.entriesSync()].sort()).toEqual(pairs);
    expect((await collect(db.entries())).sort()).toEqual(pairs);
    expect((await collect(db.values({ reverse: true }))).sort()).toEqual([...values].sort());
    expect((await collect(db.keys())).sort()).toEqual([...keys].sort());
    expect(await db.count()).toBe(COUNT);
  }
  await db.close();
});

test('memory does not grow with the values', async () => {
  const db = await open(await temporaryFolder(), { maxMemoryBytes: 1 << 20, durability: 'os' });
  const value = 'x'.repeat(100_000);
  for (let round = 0; round < 10; round++) {
    await db.setMany(Array.from({ length: 50 }, (_, number) => [`${round}/${number}`, value] as const));
    await settled(db);
  }
  const { memoryBytes, storedBytes, diskBytes } = db.stats();
  expect(storedBytes).toBeGreaterThan(48_000_000);
  expect(diskBytes).toBeGreaterThan(50_000_000);
  expect(memoryBytes).toBeLessThan(8 << 20);
  expect(await db.get('3/7')).toBe(value);
  await db.close();
});

test('an entry on disk has its expiry, is checked, updated and given another one', async () => {
  const db = await open(await temporaryFolder(), { maxMemoryBytes: 0 });
  const [first, second] = [valueAt(1), valueAt(2)];
  const expiresAt = Date.now() + 3_600_000;
  await db.set('a', first, { expiresAt });
  await db.set('b', first);
  await settled(db);
  expect(await db.getEntry('a')).toEqual({ value: first, expiresAt });
  expect(await db.getEntry('b')).toEqual({ value: first });
  expect(await db.getEntry('c')).toBeUndefined();
  const batch = (equals: string) =>
    db.batch([{ type: 'set', key: 'done', value: 'yes' }], { checks: [{ key: 'a', equals }] });
  await expect(batch(second)).rejects.toMatchObject({ code: 'HIT_CONFLICT' });
  await batch(first);
  expect(await db.update('a', (current) => `${current}!`)).toBe(`${first}!`);
  await settled(db);
  expect(await db.getEntry('a')).toEqual({ value: `${first}!`, expiresAt });
  expect(await db.expire('a', null)).toBe(true);
  await settled(db);
  expect(await db.getEntry('a')).toEqual({ value: `${first}!` });
  expect(db.stats().storedValues).toBe(2);
  await db.close();
});

test('a read sees the writes before it and not those behind it', async () => {
  const db = await filled(await temporaryFolder(), 0);
  const before = db.get('key1');
  await Promise.resolve();
  const written = db.set('key1', valueAt(1, 1));
  const after = db.get('key1');
  expect(await before).toBe(valueAt(1));
  expect(await after).toBe(valueAt(1, 1));
  await written;
  const getting = db.getMany(['key1', 'key2']);
  const deleted = db.delete('key2');
  expect(await getting).toEqual([valueAt(1, 1), valueAt(2)]);
  await deleted;
  await db.close();
});

test('reads go on while values move and files are replaced', async () => {
  const db = await filled(await temporaryFolder(), 0);
  const scan = db.entries()[Symbol.asyncIterator]();
  const first = await scan.next();
  await db.setMany(Array.from({ length: 100 }, (_, number) => [`key${number}`, valueAt(number, 1)] as const));
  await db.compact();
  const rest = await collect({ [Symbol.asyncIterator]: () => scan });
  const seen = new Map([first.value as [string, string], ...rest]);
  expect(seen.size).toBe(COUNT);
  for (let number = 0; number < COUNT; number++) expect(seen.get(`key${number}`)).toBe(valueAt(number));
  for (let number = 0; number < COUNT; number++)
    expect(await db.get(`key${number}`)).toBe(valueAt(number, number < 100 ? 1 : 0));
  await db.close();
});

test('a damaged value fails its own read, with file, offset and key', async () => {
  const folder = await temporaryFolder();
  const db = await filled(folder, 0);
  const file = join(folder, 'log', '00000001.log');
  const bytes = await readFile(file);
  const at = bytes.indexOf(valueAt(8));
  bytes.writeUInt8(0x58, at + 20);
  await writeFile(file, bytes);
  const [bad, good] = await Promise.allSettled([db.get('key8'), db.get('key9')]);
  expect(good).toEqual({ status: 'fulfilled', value: valueAt(9) });
  const failure = (bad as PromiseRejectedResult).reason as HitError;
  expect(failure).toMatchObject({ code: 'HIT_CORRUPTION', keys: ['key8'] });
  expect(failure.message).toContain(`00000001.log is damaged at byte ${at}`);
  await expect(db.getMany(['key8', 'key9'])).rejects.toMatchObject({ code: 'HIT_CORRUPTION' });
  await expect(db.getEntry('key8')).rejects.toMatchObject({ code: 'HIT_CORRUPTION' });
  expect(() => db.getSync('key8')).toThrow(/damaged/);
  expect(() => [...db.valuesSync()]).toThrow(/damaged/);
  await db.close();
});

test('bytes that are no text are refused, others of the same turn are read', async () => {
  const folder = await temporaryFolder();
  const raw = await open(folder, { valueEncoding: 'binary', maxMemoryBytes: 0 });
  await raw.set('bad', new Uint8Array(400).fill(0xff));
  await raw.set('good', Buffer.from(valueAt(3)));
  await raw.flush();
  await raw.flush();
  expect(await raw.get('bad')).toEqual(new Uint8Array(400).fill(0xff));
  const db = await open(folder, { maxMemoryBytes: 0 });
  const [bad, good] = await Promise.allSettled([db.get('bad'), db.get('good')]);
  expect(good).toEqual({ status: 'fulfilled', value: valueAt(3) });
  expect((bad as PromiseRejectedResult).reason).toMatchObject({ code: 'HIT_VALUE_INVALID' });
  await Promise.all([raw.close(), db.close()]);
});

test('the budget belongs to the store', async () => {
  const folder = await temporaryFolder();
  const db = await open(folder, { maxMemoryBytes: 1_000 });
  await expect(open(folder)).rejects.toMatchObject({ code: 'HIT_CONFIG' });
  await expect(open(folder, { maxMemoryBytes: 2_000 })).rejects.toMatchObject({ code: 'HIT_CONFIG' });
  await (await open(folder, { maxMemoryBytes: 1_000 })).close();
  await db.close();
  await expect(open('memory:', { maxMemoryBytes: 1_000 })).rejects.toMatchObject({ code: 'HIT_CONFIG' });
});
