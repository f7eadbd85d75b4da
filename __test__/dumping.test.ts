import { type FileHandle, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { open, type Progress } from '../index.js';
import { expectArgumentError, failure } from './failure.js';
import { namedPipe, noPipes } from './pipe.js';
import { closing, kinds, temporaryFolder } from './place.js';

const later = Date.now() + 3_600_000;

describe.each(kinds)('dumping $kind', ({ kind, url }) => {
  test.each(['ndjson', 'jsonl', 'csv'])(
    'as .%s, and loading it again, gives the same store',
    async (kind) => {
      const binary = { valueEncoding: 'binary', keyEncoding: 'binary' } as const;
      const db = closing(await open(await url(), binary));
      await db.set('text', Buffer.from('a "quoted", text\r\nof two lines, äß€😀'));
      await db.set('empty', new Uint8Array(0));
      await db.set('=1+1', Buffer.from('{"json":[1,2]}'));
      await db.set(Uint8Array.of(0xff, 0xfe, 0), Uint8Array.of(0, 0x80, 0xff));
      await db.set('expires', Buffer.from('later'), { expiresAt: later });
      await db.set('gone', Buffer.from('value'), { expiresAt: 1 });
      const path = `${await temporaryFolder()}/dump.${kind}`;
      expect(await db.dump(path)).toEqual({ dumped: 5 });
      const copy = closing(await open(await url(), binary));
      expect(await copy.load(path)).toEqual({ loaded: 5, skipped: 0 });
      expect([...copy.entriesSync()]).toEqual([...db.entriesSync()]);
      expect(await copy.getEntry('expires')).toEqual({ value: expect.anything(), expiresAt: later });
      expect(await copy.getEntry('text')).not.toHaveProperty('expiresAt');
    },
  );

  test('holds a range of it, in order', async () => {
    const db = closing(await open(await url()));
    await db.setMany({ 'a:2': '2', 'a:1': '1', b: '3' });
    const path = `${await temporaryFolder()}/dump.ndjson`;
    expect(await db.dump(path, { prefix: 'a:' })).toEqual({ dumped: 2 });
    const dumped = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(dumped).toEqual([
      { key: 'a:1', value: '1' },
      { key: 'a:2', value: '2' },
    ]);
    expect(await db.dump(path, { gt: 'b' })).toEqual({ dumped: 0 });
    expect(await readFile(path, 'utf8')).toBe('');
  });

  test('values of a store of JSON come back as they were', async () => {
    const db = closing(await open(await url(), { valueEncoding: 'json' }));
    const values = { text: 'ada', number: 1.5, list: [1, null], object: { a: 'b' } };
    await db.setMany(values);
    const folder = await temporaryFolder();
    for (const path of [`${folder}/dump.ndjson`, `${folder}/dump.csv`]) {
      await db.dump(path);
      const copy = closing(await open(await url(), { valueEncoding: 'json' }));
      expect(await copy.load(path)).toEqual({ loaded: 4, skipped: 0 });
      expect(Object.fromEntries(copy.entriesSync())).toEqual(values);
    }
  });

  test('sees one moment, the writes of the same turn too, and no later ones', async () => {
    const db = closing(await open(await url()));
    for (let number = 0; number < 20_000; number += 1) void db.set(`key${number}`, 'old');
    const path = `${await temporaryFolder()}/dump.csv`;
    let written: Promise<void> | undefined;
    const dumping = db.dump(path, {
      onProgress: () => {
        written ??= db.setMany(Array.from({ length: 20_000 }, (_, number) => [`key${number}`, 'new']));
      },
    });
    expect(await dumping).toEqual({ dumped: 20_000 });
    await written;
    const values = new Set(
      (await readFile(path, 'utf8'))
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',')[1]),
    );
    expect([...values]).toEqual(['old']);
  });

  test('replaces the file that is there, behind a link too', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/dump.ndjson`, 'an older dump');
    await symlink('dump.ndjson', `${folder}/link.ndjson`);
    const db = closing(await open(await url()));
    await db.set('key', 'value');
    expect(await db.dump(`${folder}/link.ndjson`)).toEqual({ dumped: 1 });
    expect(await readFile(`${folder}/dump.ndjson`, 'utf8')).toBe('{"key":"key","value":"value"}\n');
    expect((await readdir(folder)).sort()).toEqual(['dump.ndjson', 'link.ndjson']);
  });

  describe.skipIf(noPipes)(`into a pipe${noPipes ? ` (skipped: ${noPipes})` : ''}`, () => {
    // More than a pipe takes, so the dump waits for the test in its first page.
    const fill = (db: { set(key: string, value: string): Promise<void> }) => {
      for (let number = 0; number < 10_000; number += 1) void db.set(`key${number}`, 'v'.repeat(100));
    };

    /** Reads all that was written when `ended`. */
    async function drain(side: FileHandle, ended: Promise<unknown>): Promise<string> {
      // The mark behind all of it: this side keeps the pipe open, so it has no end.
      void ended.finally(() => side.write('.'));
      let text = '';
      while (!text.endsWith('.')) {
        const { buffer, bytesRead } = await side.read(Buffer.alloc(65_536));
        text += buffer.toString('latin1', 0, bytesRead);
      }
      return text;
    }

    test('writes there, and makes no file', async () => {
      const { path, side } = await namedPipe('dump.ndjson');
      const db = closing(await open(await url()));
      fill(db);
      const dumping = db.dump(path);
      expect((await drain(side, dumping)).split('\n')).toHaveLength(10_001);
      expect(await dumping).toEqual({ dumped: 10_000 });
      expect(await readdir(dirname(path))).toEqual(['dump.ndjson']);
    });

    test('a signal ends it in the middle', async () => {
      const { path, side } = await namedPipe('dump.ndjson');
      const db = closing(await open(await url()));
      fill(db);
      const controller = new AbortController();
      const dumping = failure(() => db.dump(path, { signal: controller.signal }));
      await side.read(Buffer.alloc(1));
      controller.abort('enough');
      await drain(side, dumping);
      expect(await dumping).toMatchObject({ code: 'HIT_ABORTED', cause: 'enough' });
    });

    test('closing the store ends it in the middle', async () => {
      const { path, side } = await namedPipe('dump.ndjson');
      const db = await open(await url());
      fill(db);
      const dumping = failure(() => db.dump(path));
      await side.read(Buffer.alloc(1));
      await db.close();
      await drain(side, dumping);
      expect(await dumping).toMatchObject({ code: 'HIT_NOT_OPEN' });
    });
  });

  test('progress says how many there are, and ends with all of them', async () => {
    const db = closing(await open(await url()));
    for (let number = 0; number < 10_000; number += 1) void db.set(`key${number}`, 'value');
    const told: Progress[] = [];
    const path = `${await temporaryFolder()}/dump.ndjson`;
    await db.dump(path, { onProgress: (progress) => told.push(progress) });
    const { length: bytes } = await readFile(path);
    // RocksDB does not know how many there are.
    const total = kind === 'rocksdb:' ? {} : { total: 10_000 };
    expect(told.at(-1)).toEqual({ done: 10_000, ...total, bytes });
  });

  test('a file URL names a file', async () => {
    const path = `${await temporaryFolder()}/a dump.csv`;
    const db = closing(await open(await url()));
    expect(await db.dump(pathToFileURL(path))).toEqual({ dumped: 0 });
    expect(await readFile(path, 'utf8')).toMatch(/^key,value/);
  });

  test('into another store, a range of it, with expiries', async () => {
    const db = closing(await open(await url()));
    await db.set('a', '1', { expiresAt: later });
    await db.set('b', '2');
    const target = closing(await open(await url()));
    await target.set('own', 'value');
    expect(await db.dump(target, { lt: 'b' })).toEqual({ dumped: 1 });
    expect(await target.getEntry('a')).toEqual({ value: '1', expiresAt: later });
    expect(await target.count()).toBe(2);
    expect(await failure(() => db.dump(db))).toMatchObject({ code: 'HIT_ARGUMENT' });
    const other = closing(await open('memory:', { valueEncoding: 'binary' }));
    expectArgumentError(await failure(() => db.dump(other as never)));
  });

  test('targets that can be none are refused by name, and nothing is made', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/folder.csv`);
    const db = closing(await open(await url()));
    for (const [target, code, named] of [
      [`${folder}/dump.xml`, 'HIT_ARGUMENT', 'ndjson'],
      [`${folder}/dump.json`, 'HIT_ARGUMENT', 'ndjson'],
      [`${folder}/folder.csv`, 'HIT_ARGUMENT', folder],
      [`${folder}/missing/dump.csv`, 'HIT_CONFIG', folder],
    ] as const) {
      const error = await failure(() => db.dump(target));
      expect(error, target).toMatchObject({ code, message: expect.stringContaining(named) });
    }
    expect(await readdir(folder)).toEqual(['folder.csv']);
  });

  test.each<[string, unknown, unknown]>([
    ['nothing', undefined, undefined],
    ['a view', 'view', undefined],
    ['an unknown option', './a.csv', { skipBad: true }],
    ["Go-Hit's format", './a.json', { format: 'go-hit' }],
    ['a format for a store', 'store', { format: 'csv' }],
    ['an undefined bound', './a.csv', { gt: undefined }],
    ['onProgress that is no function', './a.csv', { onProgress: {} }],
    ['options that are none', './a.csv', 7],
  ])('%s is refused', async (_, target, options) => {
    const db = closing(await open(await url()));
    const targets: Record<string, unknown> = { view: db.sub('a'), store: closing(await open('memory:')) };
    expectArgumentError(
      await failure(() => db.dump((targets[target as string] ?? target) as never, options as never)),
    );
  });
});

test("a dump into the store's own folder is refused", async () => {
  const folder = await temporaryFolder();
  const db = closing(await open(folder));
  expect(await failure(() => db.dump(`${folder}/dump.csv`))).toMatchObject({ code: 'HIT_ARGUMENT' });
  expect(await readdir(folder)).not.toContain('dump.csv');
});

test('a dump that its signal ends leaves the file that is there', async () => {
  const folder = await temporaryFolder();
  await writeFile(`${folder}/dump.csv`, 'an older dump');
  const db = closing(await open('memory:'));
  await db.load(
    (function* () {
      for (let number = 0; number < 300_000; number += 1) yield [`key${number}`, 'v'.repeat(100)] as const;
    })(),
  );
  const controller = new AbortController();
  const dumping = failure(() => db.dump(`${folder}/dump.csv`, { signal: controller.signal }));
  // In the same turn: only the beginning of so many can have been written.
  controller.abort('enough');
  expect(await dumping).toMatchObject({ code: 'HIT_ABORTED', cause: 'enough' });
  expect(await readFile(`${folder}/dump.csv`, 'utf8')).toBe('an older dump');
  expect(await readdir(folder)).toEqual(['dump.csv']);
});
