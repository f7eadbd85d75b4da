import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { start, succeeded } from './child.js';
import { closing, kept, temporaryFolder } from './place.js';

test.each(['memory:', ...kept])('a loop that never awaits does not exhaust memory: %s', async (kind) => {
  const child = start('flood.mjs', [kind === 'memory:' ? kind : `${kind}${await temporaryFolder()}`]);
  const [word, grownMiB] = (await child.line()).split(' ');
  expect(word).toBe('grown');
  // 120 MB pass through; 4 MB of them are live at a time.
  expect(Number(grownMiB)).toBeLessThan(60);
  expect(await child.line()).toBe('read 29999');
  expect(await child.line()).toBe('pending 0');
  expect(await child.exit).toEqual(succeeded);
});

describe.each(kept)('back-pressure of %s', (kind) => {
  test('writes past maxPendingBytes all arrive, and reads go on in between', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    const db = await open(url, { maxPendingBytes: 10_000 });
    const writes: Promise<void>[] = [];
    for (let number = 0; number < 5000; number += 1) {
      writes.push(db.set(`key${number}`, 'v'.repeat(200)));
      if (number % 500 === 0) expect(db.getSync(`key${number}`)).toBe('v'.repeat(200));
    }
    await Promise.all(writes);
    expect(db.stats().pendingBytes).toBe(0);
    await db.close();
    expect(await closing(await open(url)).count()).toBe(5000);
  });

  test('a memory write is answered only when the backlog is small again', async () => {
    const db = closing(
      await open(`${kind}${await temporaryFolder()}`, { maxPendingBytes: 10_000, durability: 'memory' }),
    );
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(Array.from({ length: 20 }, (_, number) => db.set(`key${number}`, 'v'.repeat(2000))));
      expect(db.stats().pendingBytes).toBeLessThanOrEqual(10_000);
    }
  });

  test('an operation larger than maxPendingBytes is written', async () => {
    const db = closing(await open(`${kind}${await temporaryFolder()}`, { maxPendingBytes: 1000 }));
    await db.set('large', 'v'.repeat(1_000_000));
    await db.batch(
      Array.from({ length: 1000 }, (_, number) => ({
        type: 'set' as const,
        key: `key${number}`,
        value: 'v'.repeat(1000),
      })),
    );
    expect(await db.count()).toBe(1001);
  });
});
