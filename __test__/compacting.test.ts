import { readdirSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { notBuilt } from './not-built.js';
import { closing, kinds, temporaryFolder } from './place.js';

const why = await notBuilt({}, (db) => db.compact());

/** Bytes of all files under a folder. */
function bytesUnder(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(`${entry.parentPath}/${entry.name}`).size, 0);
}

for (const { kind, url } of kinds)
  describe.skipIf(why)(`compacting ${kind}${why ?? ''}`, () => {
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

test.skipIf(why)(`compact gives the space of what is dead back${why ?? ''}`, async () => {
  const folder = await temporaryFolder();
  const db = closing(await open(folder, { file: { segmentBytes: 65_536 }, durability: 'os' }));
  for (let round = 0; round < 20; round += 1) {
    for (let number = 0; number < 1_000; number += 1) void db.set(`key${number}`, `${round}`.repeat(200));
    await db.flush();
  }
  await db.clear({ gte: 'key5' });
  await db.compact();
  const live = [...db.entriesSync()].flat().join('').length;
  // What is alive, a little around each entry, and the segments that are being written.
  expect(bytesUnder(folder)).toBeLessThan(2 * live + 2 * 65_536);
  await db.clear();
  await db.compact();
  expect(bytesUnder(folder)).toBeLessThan(3 * 65_536);
});
