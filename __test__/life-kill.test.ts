import { expect, test } from 'vitest';
import { open, type Store } from '../index.js';
import { type Child, start } from './child.js';
import { model, operations, randomNumbers } from './children/operations.mjs';
import { collect } from './collect.js';
import { temporaryFolder } from './place.js';

/** What writers are killed, how often. A `memory` writer is promised that what is there is a first part of what it did. */
const kinds = [
  { kind: 'file:', rounds: 26, levels: ['disk', 'os', 'disk'] },
  { kind: 'rocksdb:', rounds: 10, levels: ['disk', 'os', 'memory'] },
];
/** What a writer may have in flight beyond what it said: 4 turns of up to 20 operations, and a turn said too late. */
const window = 5 * 20;

interface Written {
  round: number;
  writer: number;
  acknowledged: number;
  /** At least so many operations have to be there. */
  promised: number;
}

/**
 * The entries of one writer are what its first n operations make, for an n that includes every promised one:
 * nothing promised is lost, nothing is torn, and nothing later survives without what came before.
 */
async function expectPrefixOfItsOperations(
  db: Store<string>,
  { round, writer, acknowledged, promised }: Written,
): Promise<number> {
  const prefix = `r${round}w${writer}:`;
  const found = new Map(await collect(db.entries({ prefix })));
  const expected = new Map<string, string>();
  const row = operations(round * 10 + writer, prefix);
  for (let count = 0; count < promised; count += 1) model(expected, row.next().value);
  const atPromised = new Map(expected);
  for (let count = promised; count <= acknowledged + window; count += 1) {
    if (same(found, expected)) return found.size;
    model(expected, row.next().value);
  }
  expect(found, `round ${round}, writer ${writer}, ${promised} promised`).toEqual(atPromised);
  return found.size;
}

const same = (left: Map<string, string>, right: Map<string, string>) =>
  left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);

test.each(kinds)(
  'a store in $kind killed dozens of times with several workers writing loses nothing acknowledged',
  async ({ kind, rounds, levels }) => {
    const url = `${kind}${await temporaryFolder()}`;
    const random = randomNumbers(2026);
    const written: Written[] = [];
    let reported = 0;
    for (let round = 0; round < rounds; round += 1) {
      const child = start('writers.mjs', [url, String(round), levels.join(' ')]);
      expect(await child.line()).toBe('opening');
      // Some are killed while they recover what the one before has left, the others after so many reports.
      if (round % 5 === 4) child.kill('SIGKILL');
      const { reports, acknowledged } = await killAfter(child, 5 + Math.floor(random() * 80), levels.length);
      reported += reports;
      for (const [writer, count] of acknowledged.entries())
        written.push({
          round,
          writer,
          acknowledged: count,
          promised: levels[writer] === 'memory' ? 0 : count,
        });
      // In between, the next child recovers, not this process.
      if (round % 3 === 0) await expectAll(url, written);
    }
    await expectAll(url, written);
    expect(reported).toBeGreaterThan(rounds * 4);
  },
);

/** Kills a child after so many reports, and returns what each of its writers has reported. */
async function killAfter(child: Child, killAt: number, writers: number) {
  const acknowledged = new Array<number>(writers).fill(0);
  let reports = 0;
  for await (const line of child.lines) {
    if (line.startsWith('open')) continue;
    const [writer, count] = line.split(' ').map(Number) as [number, number];
    acknowledged[writer] = count;
    reports += 1;
    if (reports === killAt) child.kill('SIGKILL');
  }
  expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL', stderr: '' });
  return { reports, acknowledged };
}

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

test('a store with several lanes, killed, keeps each key in order, each batch whole and all that is acknowledged', async () => {
  const url = `rocksdb:${await temporaryFolder()}`;
  const random = randomNumbers(4);
  const levels = ['disk', 'os', 'memory'];
  let reported = 0;
  for (let round = 0; round < 6; round += 1) {
    const child = start('lane-writers.mjs', [url, String(round), levels.join(' ')]);
    const { reports, acknowledged } = await killAfter(child, 20 + Math.floor(random() * 150), levels.length);
    reported += reports;
    const db = await open(url);
    try {
      for (const [writer, count] of acknowledged.entries()) {
        const promised = levels[writer] === 'memory' ? 0 : count;
        const found = new Map(await collect(db.entries({ prefix: `r${round}w${writer}:` })));
        const batches = new Set<number>();
        for (let key = 0; key < 8; key += 1) {
          const [alone, together] = [`alone${key}`, `together${key}`].map((name) =>
            Number(found.get(`r${round}w${writer}:${name}`) ?? 0),
          ) as [number, number];
          for (const turn of [alone, together]) {
            expect(turn).toBeGreaterThanOrEqual(promised);
            expect(turn).toBeLessThanOrEqual(count + 5);
          }
          batches.add(together);
        }
        expect([...batches], `round ${round}, writer ${writer}`).toHaveLength(1);
      }
    } finally {
      await db.close();
    }
  }
  expect(reported).toBeGreaterThan(100);
});
