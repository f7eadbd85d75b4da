import { mkdir, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { open, type Progress } from '../index.js';
import { expectArgumentError, failure } from './failure.js';
import { namedPipe, noPipes } from './pipe.js';
import { closing, kinds, temporaryFolder } from './place.js';

/** Writes a file of a new folder and returns its path. */
async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = `${await temporaryFolder()}/${name}`;
  await writeFile(path, content);
  return path;
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, number) => `{"key":"key${number}","value":"value${number}"}\n`).join('');

const later = Date.now() + 3_600_000;

describe.each(kinds)('loading into $kind', ({ url }) => {
  test.each([
    ['entries.ndjson', '{"key":"a","value":"1"}\n{"key":"b","value64":"Mg==","expiresAt":LATER}\n'],
    ['entries.jsonl', '{"key64":"YQ==","value":"1"}\r\n\r\n{"key":"b","value":"2","expiresAt":LATER}'],
    ['entries.csv', 'key,value,expiresAt\na,1,\n"b","2",LATER\n'],
  ])('%s gives its entries and their expiries', async (name, text) => {
    const db = closing(await open(await url()));
    const path = await file(name, text.replaceAll('LATER', String(later)));
    expect(await db.load(path)).toEqual({ loaded: 2, skipped: 0 });
    expect(await db.getEntry('a')).toEqual({ value: '1' });
    expect(await db.getEntry('b')).toEqual({ value: '2', expiresAt: later });
  });

  test("Go-Hit's folder of files, and its single file", async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/go`);
    await writeFile(`${folder}/go/a.json`, '{"key":"a","value":"1"}\n');
    await writeFile(`${folder}/go/b.json`, '{"key":"b","value":"2"}\n');
    await writeFile(`${folder}/store.json`, '{"c":"3"}');
    const db = closing(await open(await url()));
    expect(await db.load(`${folder}/go`)).toEqual({ loaded: 2, skipped: 0 });
    expect(await db.load(`${folder}/store.json`, { format: 'go-hit' })).toEqual({ loaded: 1, skipped: 0 });
    expect([...db.entriesSync()]).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  test('a path, a file URL and text of one name the same file', async () => {
    const path = await file('a file.ndjson', lines(1));
    const db = closing(await open(await url()));
    for (const source of [path, pathToFileURL(path), pathToFileURL(path).href, `file:${path}`]) {
      expect(await db.load(source)).toEqual({ loaded: 1, skipped: 0 });
    }
  });

  test('a format that is given wins over the name', async () => {
    const path = await file('entries.csv', lines(1));
    const db = closing(await open(await url()));
    expect(await db.load(path, { format: 'ndjson' })).toEqual({ loaded: 1, skipped: 0 });
    const unnamed = await file('entries', lines(1));
    const error = await failure(() => db.load(unnamed));
    expect(error).toMatchObject({ code: 'HIT_ARGUMENT', message: expect.stringContaining('ndjson') });
  });

  test('a bad line ends it by file and number: what came before is there, nothing after', async () => {
    const path = await file(
      'entries.ndjson',
      '{"key":"a","value":"1"}\n{"key":"b"}\n{"key":"c","value":"3"}\n',
    );
    const db = closing(await open(await url()));
    const error = await failure(() => db.load(path));
    expect(error.name).toBe('HitError');
    expect(error.code).toMatch(/^HIT_(ARGUMENT|VALUE_INVALID)$/);
    expect(error.message).toContain(path);
    expect(error.message).toMatch(/\b2\b/);
    expect([...db.keysSync()]).toEqual(['a']);
    expect(await db.load(path, { skipBad: true })).toEqual({ loaded: 2, skipped: 1 });
    expect([...db.keysSync()]).toEqual(['a', 'c']);
  });

  test("under valueEncoding 'json' values are JSON, and their text under any other", async () => {
    const path = await file('entries.ndjson', '{"key":"a","value":{"n":1}}\n{"key":"b","value":"[1, 2]"}\n');
    const json = closing(await open(await url(), { valueEncoding: 'json' }));
    expect(await json.load(path)).toEqual({ loaded: 2, skipped: 0 });
    expect(await json.getMany(['a', 'b'])).toEqual([{ n: 1 }, [1, 2]]);
    const text = closing(await open(await url()));
    expect(await failure(() => text.load(path))).toMatchObject({ name: 'HitError' });
    expect(await text.load(path, { skipBad: true })).toEqual({ loaded: 1, skipped: 1 });
    expect(await text.get('b')).toBe('[1, 2]');
  });

  test('a string that is no JSON is a bad line for a store of JSON', async () => {
    const path = await file('entries.ndjson', '{"key":"a","value":"ada"}\n');
    const db = closing(await open(await url(), { valueEncoding: 'json' }));
    expect(await failure(() => db.load(path))).toMatchObject({ code: 'HIT_VALUE_INVALID' });
    expect(await db.count()).toBe(0);
  });

  test('progress grows and ends with all of it', async () => {
    const text = lines(20_000);
    const path = await file('entries.ndjson', text);
    const db = closing(await open(await url()));
    const told: Progress[] = [];
    expect(await db.load(path, { onProgress: (progress) => told.push(progress) })).toEqual({
      loaded: 20_000,
      skipped: 0,
    });
    expect(told.at(-1)).toMatchObject({ done: 20_000, bytes: text.length });
    for (const [index, { done, bytes }] of told.entries()) {
      expect(done).toBeGreaterThanOrEqual(told[index - 1]?.done ?? 0);
      expect(bytes).toBeGreaterThanOrEqual(told[index - 1]?.bytes ?? 0);
    }
    expect(await db.count()).toBe(20_000);
  });

  describe.skipIf(noPipes)(`from a pipe that never ends${noPipes ? ` (skipped: ${noPipes})` : ''}`, () => {
    async function endless(): Promise<string> {
      const { path, side } = await namedPipe('entries.ndjson');
      await side.write(lines(100));
      return path;
    }

    test('what onProgress throws ends it', async () => {
      const path = await endless();
      const db = closing(await open(await url()));
      const error = new Error('on purpose');
      let calls = 0;
      const onProgress = () => {
        calls += 1;
        throw error;
      };
      expect(await failure(() => db.load(path, { onProgress }))).toBe(error);
      expect(calls).toBe(1);
      expect(await db.get('still')).toBe(undefined);
    });

    test('a signal ends it', async () => {
      const path = await endless();
      const db = closing(await open(await url()));
      const controller = new AbortController();
      const reason = new Error('enough');
      const onProgress = () => controller.abort(reason);
      const error = await failure(() => db.load(path, { onProgress, signal: controller.signal }));
      expect(error).toMatchObject({ name: 'HitError', code: 'HIT_ABORTED', cause: reason });
      expect(await failure(() => db.load(path, { signal: AbortSignal.abort() }))).toMatchObject({
        code: 'HIT_ABORTED',
      });
    });

    test('closing the store ends it', async () => {
      const path = await endless();
      const db = await open(await url());
      let closed: Promise<void> | undefined;
      const onProgress = () => {
        closed ??= db.close();
      };
      expect(await failure(() => db.load(path, { onProgress }))).toMatchObject({ code: 'HIT_NOT_OPEN' });
      await closed;
      expect(await failure(() => db.load(path))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    });
  });

  test('more of them than libuv has threads, beside reads and writes', async () => {
    const path = await file('entries.ndjson', lines(5_000));
    const stores = await Promise.all(Array.from({ length: 8 }, async () => closing(await open(await url()))));
    const loads = stores.map((db) => db.load(path));
    await Promise.all(stores.map((db) => db.set('beside', 'value')));
    for (const loaded of await Promise.all(loads)) expect(loaded).toEqual({ loaded: 5_000, skipped: 0 });
    for (const db of stores) expect(await db.count()).toBe(5_001);
  });

  test.each([
    ['a missing file', 'nothing.ndjson', 'HIT_CONFIG'],
    ['a file that says nothing of its format', 'nothing', /^HIT_(ARGUMENT|CONFIG)$/],
  ])('%s is refused by its name', async (_, name, code) => {
    const path = `${await temporaryFolder()}/${name}`;
    const db = closing(await open(await url()));
    const error = await failure(() => db.load(path));
    expect(error.code).toMatch(code);
    expect(error.message).toContain(path);
  });

  test('binary rubbish, and a folder that is none of ours, are refused', async () => {
    const db = closing(await open(await url()));
    const rubbish = await file(
      'rubbish.ndjson',
      Uint8Array.from({ length: 4_096 }, (_, at) => (at * 7) % 256),
    );
    for (const path of [rubbish, await temporaryFolder()]) {
      const error = await failure(() => db.load(path, { format: 'csv' }));
      expect(error).toMatchObject({ name: 'HitError', message: expect.stringContaining(path) });
    }
    expect(await db.count()).toBe(0);
  });

  test('another store gives all it has, with expiries, whatever keys are', async () => {
    const source = closing(await open(await url(), { valueEncoding: 'binary', keyEncoding: 'binary' }));
    await source.set(Uint8Array.of(0xff, 0), Uint8Array.of(0, 0xfe));
    await source.set('text', Uint8Array.of(1), { expiresAt: later });
    await source.set('gone', Uint8Array.of(1), { expiresAt: 1 });
    const db = closing(await open(await url(), { valueEncoding: 'binary', keyEncoding: 'binary' }));
    await db.set('own', Uint8Array.of(2));
    expect(await db.load(source)).toEqual({ loaded: 2, skipped: 0 });
    expect(await db.get(Uint8Array.of(0xff, 0))).toEqual(Uint8Array.of(0, 0xfe));
    expect(await db.getEntry('text')).toEqual({ value: Uint8Array.of(1), expiresAt: later });
    expect(await db.count()).toBe(3);
  });

  test('what another store was given in the same turn is loaded too', async () => {
    const source = closing(await open(await url()));
    const db = closing(await open(await url()));
    void source.set('a', '1');
    expect(await db.load(source)).toEqual({ loaded: 1, skipped: 0 });
  });

  test('itself, a closed store and one with other values are refused', async () => {
    const db = closing(await open(await url()));
    await db.set('a', '1');
    expect(await failure(() => db.load(db))).toMatchObject({ code: 'HIT_ARGUMENT' });
    const closed = await open('memory:');
    await closed.close();
    expect(await failure(() => db.load(closed))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    const other = closing(await open('memory:', { valueEncoding: 'json' }));
    expectArgumentError(await failure(() => db.load(other as never)));
    expect(await db.count()).toBe(1);
  });
});
