import { readdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { expectArgumentError, failure } from './failure.js';
import { closing, temporaryFolder } from './place.js';

describe('URLs', () => {
  test.each(['nonsense:x', 'http://localhost/', 'redis://localhost', 'ftp:x', 'memories:'])(
    '%s is HIT_CONFIG, naming the schemes there are',
    async (url) => {
      const error = await failure(() => open(url));
      expect(error).toMatchObject({ name: 'HitError', code: 'HIT_CONFIG' });
      expect(error.message).toContain('file:');
      expect(error.message).toContain('memory:');
    },
  );

  test.each(['postgres://user@localhost/db', 'cassandra://localhost/keyspace'])(
    'a storage that is not built is HIT_UNSUPPORTED: %s',
    async (url) => {
      expect(await failure(() => open(url))).toMatchObject({ code: 'HIT_UNSUPPORTED' });
    },
  );

  test('a message never shows a password', async () => {
    for (const url of ['postgres://user:secret@localhost/db', 'nonsense://user:secret@localhost/db']) {
      expect((await failure(() => open(url))).message).not.toContain('secret');
    }
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['an object', {}],
  ])('%s is a TypeError', async (_, url) => {
    expectArgumentError(await failure(() => open(url as never)));
  });

  test.each(['', 'file:', 'a\0b', 'file:a\0b', 'file:\ud800'])(
    'a path that can be none is refused: %j',
    async (url) => {
      expect((await failure(() => open(url))).code).toMatch(/^HIT_(ARGUMENT|CONFIG)$/);
    },
  );

  test('a file URL of another host is refused', async () => {
    expect((await failure(() => open(new URL('file://otherhost/store')))).code).toMatch(
      /^HIT_(ARGUMENT|CONFIG)$/,
    );
  });

  test('paths are literal, file URLs are decoded', async () => {
    const folder = await temporaryFolder();
    const literal = await open(`file:${folder}/a%20b?x#y`);
    await literal.close();
    const decoded = await open(new URL(`file://${folder}/c%20d`));
    await decoded.close();
    const text = await open(`file://${folder}/e%20f`);
    await text.close();
    const bare = await open(`${folder}/C:x`);
    await bare.close();
    expect((await readdir(folder)).sort()).toEqual(['C:x', 'a%20b?x#y', 'c d', 'e f']);
  });

  test('a store tells its URL', async () => {
    const folder = await temporaryFolder();
    const db = closing(await open(`${folder}/store`));
    expect(db.url).toContain(`${folder}/store`);
    expect(closing(await open('memory:')).url).toBe('memory:');
  });
});

describe('options', () => {
  test.each([
    ['an unknown option', { valueencoding: 'json' }, 'valueencoding'],
    ['an unknown valueEncoding', { valueEncoding: 'xml' }, 'valueEncoding'],
    ['an unknown keyEncoding', { keyEncoding: 'json' }, 'keyEncoding'],
    ['an unknown durability', { durability: 'always' }, 'durability'],
    ['createIfMissing of text', { createIfMissing: 'yes' }, 'createIfMissing'],
    ['maxPendingBytes of zero', { maxPendingBytes: 0 }, 'maxPendingBytes'],
    ['a negative maxPendingBytes', { maxPendingBytes: -1 }, 'maxPendingBytes'],
    ['maxPendingBytes of text', { maxPendingBytes: '64' }, 'maxPendingBytes'],
    ['a fraction of ioConcurrency', { ioConcurrency: 1.5 }, 'ioConcurrency'],
    ['ioConcurrency of zero', { ioConcurrency: 0 }, 'ioConcurrency'],
    ['a negative maxMemoryBytes', { maxMemoryBytes: -1 }, 'maxMemoryBytes'],
    ['timeoutMs of text', { timeoutMs: '7' }, 'timeoutMs'],
    ['onError that is no function', { onError: {} }, 'onError'],
    ['a signal that is none', { signal: {} }, 'signal'],
    ['file that is no object', { file: 7 }, 'file'],
    ['an unknown member of file', { file: { segmentSize: 7 } }, 'segmentSize'],
    ['segments too small', { file: { segmentBytes: 7 } }, 'segmentBytes'],
    ['options that are text', 'fast', ''],
    ['options that are null', null, ''],
  ])('%s is refused by name, and nothing is made', async (_, options, name) => {
    const folder = await temporaryFolder();
    const error = await failure(() => open(`file:${folder}/store`, options as never));
    expectArgumentError(error);
    expect(error.message).toContain(name);
    expect(await readdir(folder)).toEqual([]);
  });

  test("another storage's own options are HIT_CONFIG", async () => {
    const folder = await temporaryFolder();
    for (const options of [{ postgres: {} }, { rocksdb: {} }, { cassandra: {} }]) {
      expect(await failure(() => open(`file:${folder}/store`, options))).toMatchObject({
        code: 'HIT_CONFIG',
      });
    }
    expect(await failure(() => open('memory:', { file: { segmentBytes: 65_536 } }))).toMatchObject({
      code: 'HIT_CONFIG',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('ioConcurrency is accepted, and one lane is what there is', async () => {
    for (const url of ['memory:', `file:${await temporaryFolder()}`]) {
      const db = closing(await open(url, { ioConcurrency: 8 }));
      expect(db.stats().lanes).toBe(1);
    }
  });

  test('an aborted signal refuses before anything is made', async () => {
    const folder = await temporaryFolder();
    const reason = new Error('the user left');
    const error = await failure(() => open(`file:${folder}/store`, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'HIT_ABORTED', cause: reason });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a signal that aborts while opening rejects, and leaves the store free', async () => {
    const folder = await temporaryFolder();
    const controller = new AbortController();
    const opening = failure(() => open(`file:${folder}/store`, { signal: controller.signal }));
    controller.abort();
    expect(await opening).toMatchObject({ code: 'HIT_ABORTED' });
    const db = closing(await open(`file:${folder}/store`));
    // A signal that aborts later is no longer asked.
    await db.set('key', 'value');
  });
});

describe('folders', () => {
  test('a folder that is not a store is HIT_CONFIG and is left as it is', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/thesis.txt`, 'years of work');
    expect(await failure(() => open(`file:${folder}`))).toMatchObject({
      code: 'HIT_CONFIG',
      message: expect.stringContaining(folder),
    });
    expect(await readdir(folder)).toEqual(['thesis.txt']);
  });

  test('a file where the folder should be is refused', async () => {
    const folder = await temporaryFolder();
    await writeFile(`${folder}/store`, 'a file');
    const error = await failure(() => open(`file:${folder}/store`));
    expect(error).toMatchObject({ code: 'HIT_CONFIG', message: expect.stringContaining(folder) });
  });

  test('a missing folder is HIT_CONFIG with createIfMissing: false', async () => {
    const folder = await temporaryFolder();
    expect(await failure(() => open(`file:${folder}/store`, { createIfMissing: false }))).toMatchObject({
      code: 'HIT_CONFIG',
    });
    expect(await readdir(folder)).toEqual([]);
    await (await open(`file:${folder}/store`)).close();
    await (await open(`file:${folder}/store`, { createIfMissing: false })).close();
  });

  test('an empty folder becomes a store', async () => {
    const folder = await temporaryFolder();
    const db = closing(await open(folder));
    await db.set('key', 'value');
    expect(await readdir(folder)).toContain('hitkv.json');
  });
});
