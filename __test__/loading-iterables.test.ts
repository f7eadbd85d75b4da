import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Key, open, type Progress } from '../index.js';
import { expectArgumentError, failure } from './failure.js';
import { closing, kinds } from './place.js';

function* numbered(count: number): Iterable<[string, string]> {
  for (let number = 0; number < count; number += 1) yield [`key${number}`, `value${number}`];
}

describe.each(kinds)('loading pairs into $kind', ({ url }) => {
  test('writes them all, from an array, a map, a generator, a scan', async () => {
    const db = closing(await open(await url()));
    expect(await db.load([['a', '1']])).toEqual({ loaded: 1, skipped: 0 });
    expect(await db.load(new Map([['b', '2']]))).toEqual({ loaded: 1, skipped: 0 });
    expect(await db.load(numbered(2_500))).toEqual({ loaded: 2_500, skipped: 0 });
    const copy = closing(await open(await url()));
    expect(await copy.load(db.entries({ prefix: 'key' }))).toEqual({ loaded: 2_500, skipped: 0 });
    expect(await db.count()).toBe(2_502);
    expect(await copy.count()).toBe(2_500);
    expect(await copy.getMany(['key0', 'key2499', 'a'])).toEqual(['value0', 'value2499', undefined]);
  });

  test('nothing at all is nothing', async () => {
    const db = closing(await open(await url()));
    const told: Progress[] = [];
    expect(await db.load([], { onProgress: (progress) => told.push(progress) })).toEqual({
      loaded: 0,
      skipped: 0,
    });
    expect(told).toEqual([{ done: 0, bytes: 0 }]);
  });

  test('a bad entry ends it by its position: what came before is there, nothing after', async () => {
    const db = closing(await open(await url()));
    let asked = 0;
    let left = false;
    function* source(): Iterable<[string, string]> {
      try {
        for (const pair of [
          ['a', '1'],
          ['b', '2'],
          ['', '3'],
          ['d', '4'],
        ] as [string, string][]) {
          asked += 1;
          yield pair;
        }
      } finally {
        left = true;
      }
    }
    const error = await failure(() => db.load(source()));
    expect(error).toMatchObject({ name: 'HitError', code: 'HIT_KEY_INVALID' });
    expect(error.message).toMatch(/^entry 3: .*empty/);
    expect({ asked, left }).toEqual({ asked: 3, left: true });
    expect([...db.keysSync()]).toEqual(['a', 'b']);
  });

  test.each<[string, unknown]>([
    ['a value of another type', ['key', 7]],
    ['a key of another type', [7, 'value']],
    ['no pair', 'key=value'],
    ['a pair of three', ['key', 'value', 'more']],
    ['undefined', undefined],
  ])('%s is a bad entry', async (_, bad) => {
    const db = closing(await open(await url()));
    const source = [['a', '1'], bad, ['c', '3']] as [string, string][];
    const error = await failure(() => db.load(source));
    expectArgumentError(error);
    expect(error.message).toMatch(/^entry 2: /);
    expect(await db.count()).toBe(1);
    expect(await db.load(source, { skipBad: true })).toEqual({ loaded: 2, skipped: 1 });
    expect([...db.keysSync()]).toEqual(['a', 'c']);
  });

  test('what the source throws is not skipped, and what came before it is there', async () => {
    const db = closing(await open(await url()));
    const error = new Error('the network is down');
    async function* source(): AsyncIterable<[string, string]> {
      yield ['a', '1'];
      throw error;
    }
    expect(await failure(() => db.load(source(), { skipBad: true }))).toBe(error);
    expect(await db.get('a')).toBe('1');
  });

  test('progress counts entries and bytes, bad ones too, and ends with all of them', async () => {
    const db = closing(await open(await url()));
    const told: Progress[] = [];
    await db.load([...numbered(3_000), ['', ''] as const], {
      skipBad: true,
      onProgress: (progress) => told.push(progress),
    });
    const bytes = [...numbered(3_000)].flat().join('').length;
    expect(told.at(-1)).toEqual({ done: 3_001, bytes });
    for (const [index, { done }] of told.entries()) {
      expect(done).toBeGreaterThanOrEqual(told[index - 1]?.done ?? 0);
    }
  });

  test('what onProgress throws ends it', async () => {
    const db = closing(await open(await url()));
    const error = new Error('the user closed the window');
    const onProgress = () => {
      throw error;
    };
    let asked = 0;
    function* source(): Iterable<[string, string]> {
      for (const pair of numbered(100_000)) {
        asked += 1;
        yield pair;
      }
    }
    expect(await failure(() => db.load(source(), { onProgress }))).toBe(error);
    expect(asked).toBeLessThan(100_000);
    expect(await db.count()).toBeLessThanOrEqual(asked);
  });

  test('a signal ends it while the source waits, and the source is let go', async () => {
    const db = closing(await open(await url()));
    const controller = new AbortController();
    const reason = new Error('enough');
    let returned = false;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<[string, string]>>(() => {}),
        return: async () => {
          returned = true;
          return { done: true, value: undefined } as const;
        },
      }),
    };
    const loading = failure(() => db.load(source, { signal: controller.signal }));
    await turn();
    controller.abort(reason);
    expect(await loading).toMatchObject({ code: 'HIT_ABORTED', cause: reason });
    expect(returned).toBe(true);
  });

  test('a signal ends it between entries of a source that never waits', async () => {
    const db = closing(await open(await url()));
    const controller = new AbortController();
    function* endless(): Iterable<[string, string]> {
      for (let number = 0; ; number += 1) {
        if (number === 5_000) controller.abort();
        yield [`key${number}`, 'value'];
      }
    }
    expect(await failure(() => db.load(endless(), { signal: controller.signal }))).toMatchObject({
      code: 'HIT_ABORTED',
    });
    expect(await failure(() => db.load([['a', '1']], { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'HIT_ABORTED',
    });
    expect(await db.has('a')).toBe(false);
  });

  test('closing the store ends it', async () => {
    const db = await open(await url());
    let closed: Promise<void> | undefined;
    async function* source(): AsyncIterable<[string, string]> {
      for (let number = 0; ; number += 1) {
        if (number === 2_500) closed = db.close();
        yield [`key${number}`, 'value'];
      }
    }
    expect(await failure(() => db.load(source()))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    await closed;
  });

  test('a source may use its buffer again', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'binary', keyEncoding: 'binary' }));
    function* source(): Iterable<[Key, Uint8Array]> {
      const buffer = new Uint8Array(1);
      for (const byte of [1, 2, 3]) {
        buffer[0] = byte;
        yield [buffer, buffer];
      }
    }
    await db.load(source());
    expect([...db.entriesSync()]).toEqual(
      [1, 2, 3].map((byte) => [Uint8Array.of(byte), Uint8Array.of(byte)]),
    );
  });

  test('values are encoded as the store was opened', async () => {
    const db = closing(await open<{ n: number }>(await url(), { valueEncoding: 'json' }));
    await db.load([['a', { n: 1 }]]);
    expect(await db.get('a')).toEqual({ n: 1 });
    const error = await failure(() => db.load([['b', undefined as never]]));
    expect(error.message).toMatch(/^entry 1: /);
  });

  test('the event loop goes on meanwhile', async () => {
    const db = closing(await open(await url()));
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    });
    await db.load(numbered(50_000));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});

test.each<[string, unknown, unknown]>([
  ['nothing', undefined, undefined],
  ['a number', 7, undefined],
  ['an object that yields nothing', {}, undefined],
  ['an unknown option', [], { skipbad: true }],
  ['an unknown format', './a.xml', { format: 'xml' }],
  ['a format of another type', './a.csv', { format: 7 }],
  ['a format for pairs', [], { format: 'csv' }],
  ['skipBad of text', [], { skipBad: 'yes' }],
  ['onProgress that is no function', [], { onProgress: 7 }],
  ['a signal that is none', [], { signal: {} }],
  ['options that are none', [], 7],
])('%s is refused by load', async (_, source, options) => {
  const db = closing(await open('memory:'));
  expectArgumentError(await failure(() => db.load(source as never, options as never)));
});

test.each([
  ['memory:', 'HIT_CONFIG'],
  ['', 'HIT_CONFIG'],
  ['a\0b', 'HIT_CONFIG'],
  ['http://localhost/entries.csv', 'HIT_CONFIG'],
])('%j is no path to load from, dump to or back up into', async (path, code) => {
  const db = closing(await open('memory:'));
  for (const call of [() => db.load(path), () => db.dump(path), () => db.backup(path)]) {
    expect(await failure(call)).toMatchObject({ code });
  }
});

test('a view, and a store of another copy of the package, are to be loaded by their entries', async () => {
  const db = closing(await open('memory:'));
  await db.set('a:1', 'value');
  const target = closing(await open('memory:'));
  expect((await failure(() => target.load(db.sub('a:') as never))).message).toContain('entries()');
  expect(await target.load(db.sub('a:').entries())).toEqual({ loaded: 1, skipped: 0 });
  expect(await target.get('1')).toBe('value');
});

test('what is no pair is named by its position and what it is', async () => {
  const db = closing(await open('memory:'));
  const told = async (entry: unknown) => (await failure(() => db.load([['a', '1'], entry] as never))).message;
  expect(await told(['b', '2', { ttlMs: 5 }])).toBe(
    'entry 2: load takes pairs of key and value, [key, value], not an array of 3',
  );
  expect(await told({ key: 'b', value: '2' })).toMatch(/^entry 2: .*, not object$/);
});
