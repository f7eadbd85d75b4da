import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { open } from '../index.js';
import { start, succeeded } from './child.js';
import { randomNumbers } from './children/operations.mjs';
import { closing, kept, temporaryFolder } from './place.js';

const names = readFileSync(new URL('../fixtures/slice/names.txt', import.meta.url), 'utf8')
  .split('\n')
  .slice(0, -1);
const inKeyOrder = [...names].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));

/** The names in an order that is not theirs, the same every time. */
function shuffled(): string[] {
  const random = randomNumbers(7);
  const order = [...names];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other] as string, order[last] as string];
  }
  return order;
}

test('the slice is what it says it is', () => {
  expect(names.length).toBe(20_000);
  expect(new Set(names).size).toBe(names.length);
});

test.each(kept)('20,000 package names in %s survive a kill halfway, and come back in order', async (kind) => {
  const folder = await temporaryFolder();
  const url = `${kind}${folder}/store`;
  const order = shuffled();
  writeFileSync(`${folder}/names.txt`, order.map((name) => `${name}\n`).join(''));

  const killed = start('slice.mjs', [url, `${folder}/names.txt`]);
  let acknowledged = 0;
  for await (const line of killed.lines) {
    acknowledged = Number(line);
    if (acknowledged === 10_000) killed.kill('SIGKILL');
  }
  expect((await killed.exit).signal).toBe('SIGKILL');

  // All that was acknowledged is there, and nothing that was not sent: at most ten groups more, in order.
  const halfway = await open(url);
  const found = new Map(halfway.entriesSync());
  await halfway.close();
  expect(found.size).toBeGreaterThanOrEqual(acknowledged);
  expect(found.size).toBeLessThanOrEqual(acknowledged + 1100);
  expect(new Set(found.keys())).toEqual(new Set(order.slice(0, found.size)));
  for (const [name, value] of found) expect(value).toBe(`of ${name}`);

  const finished = start('slice.mjs', [url, `${folder}/names.txt`]);
  for await (const line of finished.lines) acknowledged = Number(line);
  expect(await finished.exit).toEqual(succeeded);
  expect(acknowledged).toBe(names.length);

  const db = closing(await open(url));
  expect([...db.entriesSync()]).toEqual(inKeyOrder.map((name) => [name, `of ${name}`]));
  expect(await db.getMany(names)).toEqual(names.map((name) => `of ${name}`));
  expect([...db.keysSync({ reverse: true, limit: 3 })]).toEqual(inKeyOrder.slice(-3).reverse());
  expect(await db.count({ prefix: '@types/' })).toBe(
    names.filter((name) => name.startsWith('@types/')).length,
  );
});
