import { expect, test } from 'vitest';
import { open, type Store } from '../index.js';
import { type Child, start } from './child.js';
import { type ModelOperation, model, operations, randomNumbers } from './children/operations.mjs';
import { collect, until } from './collect.js';
import { closing, temporaryFolder } from './place.js';

const rounds = 4;
const writers = 3;
/** More than a writer does between two looks at it. */
const window = 100_000;

/** What one writer has done so far, as far as the reader has shown it. */
class Shown {
  readonly map = new Map<string, string>();
  readonly prefix: string;
  readonly #row: Generator<ModelOperation, never>;
  #count = 0;

  constructor(round: number, writer: number) {
    this.prefix = `r${round}w${writer}:`;
    this.#row = operations(round * 10 + writer, this.prefix);
  }

  /** Goes on to the state that was found, which holds what was acknowledged and nothing in part. */
  async goOn(reader: Store<string>, acknowledged: number): Promise<void> {
    const found = new Map(await collect(reader.entries({ prefix: this.prefix })));
    const end = this.#count + window;
    while (this.#count < acknowledged || !same(found, this.map)) {
      if (this.#count === end) expect(found, `${this.prefix} ${acknowledged} acknowledged`).toEqual(this.map);
      model(this.map, this.#row.next().value);
      this.#count += 1;
    }
  }
}

const same = (left: Map<string, string>, right: Map<string, string>) =>
  left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);

/** Reads what a child says of its writers, until it ends. */
async function listen(child: Child, acknowledged: number[]): Promise<void> {
  for await (const line of child.lines) {
    const [writer, count] = line.split(' ');
    if (writer !== 'opening' && writer !== 'open') acknowledged[Number(writer)] = Number(count);
  }
}

test('a reader follows writers that rotate, compact, are killed and recover, and answers all the while', async () => {
  const folder = await temporaryFolder();
  await (await open(folder)).close();
  const reader = closing(await open(folder, { readOnly: true }));
  const random = randomNumbers(4);
  const shown: Shown[] = [];
  let [refreshes, runs] = [0, 0];
  for (let round = 0; round < rounds; round += 1) {
    const child = start('writers.mjs', [folder, String(round)]);
    const acknowledged = new Array<number>(writers).fill(0);
    const ended = listen(child, acknowledged);
    const living = Array.from({ length: writers }, (_, writer) => new Shown(round, writer));
    const killAt = 500 + Math.floor(random() * 1_000);
    let killed = false;
    for (let looks = 0; !killed; looks += 1) {
      await until(() => acknowledged.some((count) => count > 0));
      killed = acknowledged.every((count) => count > killAt);
      if (killed) {
        child.kill('SIGKILL');
        await ended;
      }
      const before = [...acknowledged];
      await reader.refresh();
      refreshes += 1;
      for (const [writer, count] of before.entries()) await living[writer]?.goOn(reader, count);
      runs = Math.max(runs, reader.stats().runs as number);
      // The dead ones stay what they were.
      for (const each of looks % 10 === 0 ? shown : []) await each.goOn(reader, 0);
    }
    expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL', stderr: '' });
    shown.push(...living);
    for (const { map } of living) for (const [key, value] of map) expect(reader.getSync(key)).toBe(value);
  }
  expect(reader.stats().nextSequence).toBeGreaterThan(rounds * writers * 500);
  expect(refreshes).toBeGreaterThan(rounds * 2);
  expect(runs).toBeGreaterThan(0);
  // A writer that recovers what the last one has left shows the same.
  const writer = closing(await open(folder));
  await reader.refresh();
  expect(await collect(reader.entries())).toEqual(await collect(writer.entries()));
  expect(await reader.verify()).toMatchObject({ ok: true });
});
