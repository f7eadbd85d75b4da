import { expect, test } from 'vitest';
import { open, type Store } from '../index.js';
import { start } from './child.js';
import { model, operations, randomNumbers } from './children/operations.mjs';
import { collect } from './collect.js';
import { temporaryFolder } from './place.js';

const rounds = 26;
const writers = 3;
/** What a writer may have in flight beyond what it said: 4 turns of up to 20 operations, and a turn said too late. */
const window = 5 * 20;

interface Written {
  round: number;
  writer: number;
  acknowledged: number;
}

/**
 * The entries of one writer are what its first n operations make, for an n that includes every acknowledged one:
 * nothing acknowledged is lost, nothing is torn, and nothing later survives without what came before.
 */
async function expectPrefixOfItsOperations(
  db: Store<string>,
  { round, writer, acknowledged }: Written,
): Promise<number> {
  const prefix = `r${round}w${writer}:`;
  const found = new Map(await collect(db.entries({ prefix })));
  const expected = new Map<string, string>();
  const row = operations(round * 10 + writer, prefix);
  for (let count = 0; count < acknowledged; count += 1) model(expected, row.next().value);
  const atAcknowledged = new Map(expected);
  for (let count = acknowledged; count <= acknowledged + window; count += 1) {
    if (same(found, expected)) return found.size;
    model(expected, row.next().value);
  }
  expect(found, `round ${round}, writer ${writer}, ${acknowledged} acknowledged`).toEqual(atAcknowledged);
  return found.size;
}

const same = (left: Map<string, string>, right: Map<string, string>) =>
  left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);

test('a store killed dozens of times with several workers writing loses nothing acknowledged', async () => {
  const url = `file:${await temporaryFolder()}`;
  const random = randomNumbers(2026);
  const written: Written[] = [];
  let reported = 0;
  for (let round = 0; round < rounds; round += 1) {
    const child = start('writers.mjs', [url, String(round)]);
    expect(await child.line()).toBe('opening');
    // Some are killed while they recover what the one before has left, the others after so many reports.
    if (round % 5 === 4) child.kill('SIGKILL');
    const acknowledged = new Array<number>(writers).fill(0);
    const killAt = 5 + Math.floor(random() * 80);
    let reports = 0;
    for await (const line of child.lines) {
      if (line.startsWith('open')) continue;
      const [writer, count] = line.split(' ').map(Number) as [number, number];
      acknowledged[writer] = count;
      reports += 1;
      if (reports === killAt) child.kill('SIGKILL');
    }
    expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL', stderr: '' });
    reported += reports;
    for (const [writer, count] of acknowledged.entries())
      written.push({ round, writer, acknowledged: count });
    // In between, the next child recovers, not this process.
    if (round % 3 === 0) await expectAll(url, written);
  }
  await expectAll(url, written);
  expect(reported).toBeGreaterThan(rounds * 4);
});

async function expectAll(url: string, written: Written[]): Promise<void> {
  const db = await open(url);
  try {
    let entries = 0;
    for (const each of written) entries += await expectPrefixOfItsOperations(db, each);
    expect(await db.count()).toBe(entries);
  } finally {
    await db.close();
  }
}
