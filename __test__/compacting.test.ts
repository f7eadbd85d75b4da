import { readdirSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { closing, kinds, temporaryFolder } from './place.js';

/** Bytes of all files under a folder. */
function bytesUnder(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(`${entry.parentPath}/${entry.name}`).size, 0);
}

describe.each(kinds)('compacting $kind', ({ url }) => {
  test('keeps what is there, and brings nothing back', async () => {
    const path = await url();
    const db = await open(path);
    for (let round = 0; round < 5; round += 1) {
      for (let number = 0; number < 2_000; number += 1) void db.set(`key${number}`, `${round}`.repeat(100));
    }
    await db.deleteMany(Array.from({ length: 1_000 }, (_, number) => `key${number}`));
    await db.set('expires', 'value', { expiresAt: Date.now() + 3_600_000 });
    const before = [...db.entriesSync()];
    await db.compact();
    expect([...db.entriesSync()]).toEqual(before);
    await db.compact();
    await db.close();
    if (path === 'memory:') return;
    const again = closing(await open(path));
    expect([...again.entriesSync()]).toEqual(before);
    expect((await again.getEntry('expires'))?.expiresAt).toBeGreaterThan(Date.now());
  });

  test('a scan that is open stays at its moment, and writes go on', async () => {
    const db = closing(await open(await url()));
    for (let number = 0; number < 2_000; number += 1)
      void db.set(`key${String(number).padStart(4, '0')}`, 'old');
    const scan = db.values();
    await scan.next();
    await db.clear();
    await db.set('new', 'value');
    const compacting = db.compact();
    await db.set('newer', 'value');
    await compacting;
    let left = 0;
    for await (const value of scan) {
      expect(value).toBe('old');
      left += 1;
    }
    expect(left).toBe(1_999);
    expect([...db.keysSync()]).toEqual(['new', 'newer']);
  });

  test('a store that is closed meanwhile closes', async () => {
    const db = await open(await url());
    for (let number = 0; number < 20_000; number += 1) void db.set(`key${number % 100}`, 'v'.repeat(100));
    const compacting = db
      .compact()
      .catch((error: { code?: string }) => expect(error.code).toBe('HIT_NOT_OPEN'));
    await db.close();
    await compacting;
  });
});

test('compact gives the space of what is dead back', async () => {
  const folder = await temporaryFolder();
  const db = closing(await open(folder, { file: { segmentBytes: 65_536 }, durability: 'os' }));
  for (let round = 0; round < 20; round += 1) {
    for (let number = 0; number < 1_000; number += 1) void db.set(`key${number}`, `${round}`.repeat(200));
    await db.flush();
  }
  await db.clear({ gte: 'key5' });
  await db.compact();
  const live = [...db.entriesSync()].flat().join('').length;
  // What is alive, and a little around each entry; the reserve for deletes on a full disk lies beside the log.
  expect(bytesUnder(`${folder}/log`)).toBeLessThan(1.5 * live);
  expect(db.stats().diskBytes).toBeLessThan(1.5 * live);
  await db.clear();
  await db.compact();
  expect(bytesUnder(`${folder}/log`)).toBeLessThan(65_536);
});
