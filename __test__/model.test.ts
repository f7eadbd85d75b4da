import { describe, expect, test } from 'vitest';
import { open, type Range, type Store } from '../index.js';
import { randomNumbers } from './children/operations.mjs';
import { collect } from './collect.js';
import { failure } from './failure.js';
import { type Kind, kinds } from './place.js';

const anHour = 3_600_000;

interface Stored {
  value: string;
  expiresAt?: number;
}

/** A store and a plain map, to which the same is done at random, the same for the same seed. */
class Pair {
  readonly map = new Map<string, Stored>();
  readonly #random: () => number;

  constructor(
    public db: Store<string>,
    seed: number,
  ) {
    this.#random = randomNumbers(seed);
  }

  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  key(): string {
    const stems = ['a', 'b', 'long stem ', 'é', '\u{10000}', '\0'];
    return `${stems[this.below(stems.length)]}${this.below(12)}`;
  }

  value(): string {
    const pieces = ['', '7', 'x'.repeat(this.below(400)), 'é😀', 'y'.repeat(3000)];
    return pieces[this.below(pieces.length)] as string;
  }

  range(): Range {
    const range: Range = {};
    const kind = this.below(4);
    if (kind === 1) range.prefix = ['a', 'long ', 'é', '\u{10000}', '\0', 'zz'][this.below(6)] as string;
    if (kind >= 2) range[this.below(2) ? 'gt' : 'gte'] = this.key();
    if (kind === 3) range[this.below(2) ? 'lt' : 'lte'] = this.key();
    return range;
  }

  /** The keys of a range, in order. */
  select(range: Range): string[] {
    const order = (key: string, bound: unknown) =>
      Buffer.compare(Buffer.from(key), Buffer.from(bound as string));
    return [...this.map.keys()]
      .filter(
        (key) =>
          (range.prefix === undefined || key.startsWith(range.prefix as string)) &&
          (range.gt === undefined || order(key, range.gt) > 0) &&
          (range.gte === undefined || order(key, range.gte) >= 0) &&
          (range.lt === undefined || order(key, range.lt) < 0) &&
          (range.lte === undefined || order(key, range.lte) <= 0),
      )
      .sort(order);
  }

  /** One write on both; the promise is the store's. */
  write(): Promise<unknown> {
    const key = this.key();
    const before = this.map.get(key);
    switch (this.below(9)) {
      case 0:
        this.map.delete(key);
        return this.db.delete(key);
      case 1: {
        const range = this.range();
        if (Object.keys(range).length === 0) return Promise.resolve();
        for (const each of this.select(range)) this.map.delete(each);
        return this.db.clear(range);
      }
      case 2: {
        const stored = { value: this.value(), expiresAt: Date.now() + anHour };
        this.map.set(key, stored);
        return this.db.set(key, stored.value, { expiresAt: stored.expiresAt });
      }
      case 3:
        this.map.delete(key);
        return this.db.set(key, this.value(), { expiresAt: 1 + this.below(1000) });
      case 4: {
        const members = Array.from({ length: 1 + this.below(5) }, () => ({
          key: this.key(),
          value: this.value(),
        }));
        for (const member of members) this.map.set(member.key, { value: member.value });
        const checks = before ? [{ key, equals: before.value }] : [{ key, exists: false }];
        return this.db.batch(
          members.map((member) => ({ type: 'set' as const, ...member })),
          { checks },
        );
      }
      case 5: {
        const refused = () =>
          this.db.batch([{ type: 'set', key, value: 'never' }], { checks: [{ key, exists: !before }] });
        return failure(refused).then((error) => expect(error).toMatchObject({ code: 'HIT_CONFLICT' }));
      }
      case 6: {
        if (before && before.value !== '7') return Promise.resolve();
        const value = before ? '9' : '2';
        this.map.set(key, { ...before, value });
        return this.db.increment(key, 2);
      }
      case 7: {
        if (before) this.map.set(key, { value: before.value });
        return this.db.expire(key, null).then((found) => expect(found).toBe(before !== undefined));
      }
      default: {
        const value = this.value();
        this.map.set(key, { value });
        return this.db.set(key, value);
      }
    }
  }

  /** One read of both, at this moment. */
  read(): void {
    const key = this.key();
    const range = this.range();
    const keys = this.select(range);
    const limit = this.below(10);
    expect(this.db.getSync(key)).toBe(this.map.get(key)?.value);
    expect(this.db.hasSync(key)).toBe(this.map.has(key));
    expect(this.db.countSync(range)).toBe(keys.length);
    expect([...this.db.keysSync({ ...range, reverse: true })]).toEqual(keys.toReversed());
    expect([...this.db.entriesSync({ ...range, limit })]).toEqual(
      keys.slice(0, limit).map((each) => [each, this.map.get(each)?.value]),
    );
  }

  async readAll(): Promise<void> {
    const keys = this.select({});
    expect(await collect(this.db.entries())).toEqual(keys.map((key) => [key, this.map.get(key)?.value]));
    expect(await this.db.getMany(keys)).toEqual(keys.map((key) => this.map.get(key)?.value));
    for (const key of keys) expect(await this.db.getEntry(key)).toEqual(this.map.get(key));
    expect(this.db.countSync()).toBe(keys.length);
  }
}

/** Turns of writes and reads; a store whose data stay is opened again now and then. */
async function compare({ kind, url }: Kind, seed: number): Promise<void> {
  const where = await url();
  const pair = new Pair(await open(where), seed);
  try {
    for (let turn = 0; turn < 150; turn += 1) {
      const writes: Promise<unknown>[] = [];
      for (let count = pair.below(12); count >= 0; count -= 1) {
        writes.push(pair.write());
        if (pair.below(5) === 0) pair.read();
      }
      if (pair.below(3) > 0) await Promise.all(writes);
      if (pair.below(10) === 0) await pair.readAll();
      if (kind !== 'memory:' && pair.below(20) === 0) {
        await pair.db.close();
        pair.db = await open(where);
      }
      await Promise.all(writes);
    }
    await pair.readAll();
  } finally {
    await pair.db.close();
  }
}

describe.each(kinds)('$kind and a plain map, to which the same is done at random,', (kind) => {
  test.each([1, 2, 3, 4, 5, 6])('are the same, seed %i', (seed) => compare(kind, seed));
});
