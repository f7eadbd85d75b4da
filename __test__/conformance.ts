import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OpenOptions, open, type Store } from '../index.js';
import type { Case, Need, Trial } from './conformance/case.js';
import { checks } from './conformance/checks.js';
import { expiry } from './conformance/expiry.js';
import { order } from './conformance/order.js';
import { reopening } from './conformance/reopening.js';
import { scans } from './conformance/scans.js';
import { snapshots } from './conformance/snapshots.js';
import { values } from './conformance/values.js';

const cases: readonly Case[] = [
  ...values,
  ...order,
  ...checks,
  ...expiry,
  ...scans,
  ...snapshots,
  ...reopening,
];

/** Where a kind of store can be made anew, empty, for each case. */
export interface Place {
  url: string;
  options?: OpenOptions;
  /** Removes it; every handle is closed. */
  remove(): Promise<void>;
}

/**
 * Registers every case that a kind of store can be held to. What it cannot do it says in `supports`; whether
 * its data outlive a close is asked here.
 */
export async function conformance(
  name: string,
  make: () => Promise<Place>,
  { reopens }: { reopens: boolean },
): Promise<void> {
  const supports = await capabilities(make);
  const has = (need: Need | undefined) => {
    if (need === undefined) return true;
    if (need === 'reopening') return reopens;
    return need === 'atomicBatch' ? supports.atomicBatch === 'all' : supports[need];
  };

  describe(`conformance of ${name}`, () => {
    const handles: Store<unknown, never>[] = [];
    let place: Place;
    beforeEach(async () => {
      place = await make();
    });
    afterEach(async () => {
      const results = await Promise.allSettled(handles.splice(0).map((handle) => handle.close()));
      await place.remove();
      expect(results.filter((result) => result.status === 'rejected')).toEqual([]);
    });
    const kept = <S>(store: S): S => {
      handles.push(store as unknown as Store<unknown, never>);
      return store;
    };
    const trial: Trial = {
      text: async (options) =>
        kept(
          await open(place.url, { ...place.options, ...options, valueEncoding: 'utf8', keyEncoding: 'utf8' }),
        ),
      bytes: async (options) =>
        kept(
          await open(place.url, {
            ...place.options,
            ...options,
            valueEncoding: 'binary',
            keyEncoding: 'binary',
          }),
        ),
    };

    test('the cases are those of the shared list', () => {
      const listed = JSON.parse(
        readFileSync(new URL('../fixtures/conformance-cases.json', import.meta.url), 'utf8'),
      );
      expect(cases.map(({ name, needs }) => (needs ? { name, needs } : { name }))).toEqual(listed);
    });
    for (const { name, needs, run } of cases) if (has(needs)) test(name, () => run(trial));
  });
}

async function capabilities(make: () => Promise<Place>): Promise<Store<string>['supports']> {
  const place = await make();
  const store = await open(place.url, { ...place.options, valueEncoding: 'utf8' });
  await store.close();
  await place.remove();
  return store.supports;
}
