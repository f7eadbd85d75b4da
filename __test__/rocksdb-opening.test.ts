import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type OpenOptions, open, type RocksDbOptions } from '../index.js';
import { expectArgumentError, failure } from './failure.js';
import { closing, temporaryFolder } from './place.js';

/** Options that leave the encodings as they are. */
type Options = Omit<OpenOptions, 'valueEncoding' | 'keyEncoding'>;

async function newPath(): Promise<string> {
  return join(await temporaryFolder(), 'rocks');
}

/** Every file below a folder, with what is in it. */
function contents(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    files.set(name, statSync(path).isFile() ? readFileSync(path, 'latin1') : '');
  }
  return files;
}

describe('a store in RocksDB', () => {
  test('is there again after a close, with what it was opened with', async () => {
    const path = await newPath();
    const rocksdb: RocksDbOptions = {
      raw: false,
      memoryBytes: 32 << 20,
      compression: 'none',
      blockBytes: 4096,
      backgroundThreads: 2,
    };
    const db = await open(`rocksdb:${path}`, { rocksdb, ioConcurrency: 2 });
    expect(db.url).toBe(`rocksdb:${path}`);
    expect(db.stats()).toMatchObject({ lanes: 2, rocksdb: { memoryLimitBytes: 32 << 20 } });
    await db.set('user:1', 'ada');
    await db.close();
    const again = closing(await open(pathToFileURL(path).href.replace('file:', 'rocksdb:')));
    expect(await again.get('user:1')).toBe('ada');
    expect(again.stats().lanes).toBe(1);
    const [options = ''] = readdirSync(join(path, 'rocksdb')).filter((name) => name.startsWith('OPTIONS-'));
    expect(options).not.toBe('');
  });

  test('writes the options that were given into its files', async () => {
    const path = await newPath();
    const written = async (rocksdb: RocksDbOptions) => {
      await (await open(`rocksdb:${path}`, { rocksdb })).close();
      const names = readdirSync(join(path, 'rocksdb')).filter((name) => name.startsWith('OPTIONS-'));
      return readFileSync(join(path, 'rocksdb', names.toSorted().at(-1) as string), 'utf8');
    };
    const text = await written({ compression: 'none', blockBytes: 4096, backgroundThreads: 3 });
    expect(text).toMatch(/block_size=4096\b/);
    expect(text).toMatch(/max_background_jobs=3\b/);
    expect(text).toMatch(/compression=kNoCompression\b/);
    expect(await written({})).toMatch(/compression=kLZ4Compression\b/);
  });

  test('is joined by an open that asks for the same, and by no other', async () => {
    const path = await newPath();
    const rocksdb: RocksDbOptions = { blockBytes: 4096 };
    const db = closing(await open(`rocksdb:${path}`, { rocksdb }));
    const joined = closing(await open(`rocksdb:${path}`, { rocksdb, durability: 'os' }));
    await db.set('key', 'value');
    expect([joined.getSync('key'), joined.stats().handles]).toEqual(['value', 2]);
    const others: Options[] = [{}, { rocksdb: {} }, { rocksdb: { blockBytes: 8192 } }];
    for (const options of others) {
      expect(await failure(() => open(`rocksdb:${path}`, options))).toMatchObject({
        code: 'HIT_CONFIG',
        message: expect.stringContaining("'rocksdb' options"),
      });
    }
  });

  test('shares its memory with the others of the process, so one figure holds for all', async () => {
    const first = closing(await open(`rocksdb:${await newPath()}`));
    const { memoryLimitBytes } = first.stats().rocksdb as { memoryLimitBytes: number };
    const memoryBytes = memoryLimitBytes + 1;
    const other = await newPath();
    expect(await failure(() => open(`rocksdb:${other}`, { rocksdb: { memoryBytes } }))).toMatchObject({
      code: 'HIT_CONFIG',
      message: expect.stringContaining(`${memoryLimitBytes}`),
    });
    closing(await open(`rocksdb:${other}`, { rocksdb: { memoryBytes: memoryLimitBytes } }));
  });
});

describe('refuses, before anything is made,', () => {
  test.each<[string, unknown, string]>([
    ['an unknown member', { rocksdb: { blockSize: 4096 } }, 'blockSize'],
    ['text for a number', { rocksdb: { memoryBytes: '1GB' } }, 'memoryBytes'],
    ['a block that is too small', { rocksdb: { blockBytes: 512 } }, 'blockBytes'],
    ['a compression that is not built in', { rocksdb: { compression: 'zstd' } }, 'compression'],
    ['no thread', { rocksdb: { backgroundThreads: 0 } }, 'backgroundThreads'],
    ['options that are none', { rocksdb: true }, 'rocksdb'],
  ])('%s', async (_, options, name) => {
    const folder = await temporaryFolder();
    const error = await failure(() => open(`rocksdb:${folder}/rocks`, options as Options));
    expectArgumentError(error);
    expect(error.message).toContain(name);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each<[Options, string, string]>([
    [{ file: {} }, 'HIT_CONFIG', 'file'],
    [{ maxMemoryBytes: 1 << 30 }, 'HIT_CONFIG', 'memoryBytes'],
    [{ resident: true }, 'HIT_UNSUPPORTED', 'resident'],
    [{ createIfMissing: false }, 'HIT_CONFIG', 'no store'],
    [{ readOnly: true }, 'HIT_CONFIG', 'no store'],
    [{ rocksdb: { raw: true } }, 'HIT_CONFIG', 'rocks'],
  ])('%o: %s', async (options, code, said) => {
    const folder = await temporaryFolder();
    const error = await failure(() => open(`rocksdb:${folder}/rocks`, options));
    expect(error).toMatchObject({ code, message: expect.stringContaining(said) });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a store of files, and files a store in RocksDB', async () => {
    const folder = await temporaryFolder();
    for (const [kind, other] of [
      ['file', 'rocksdb'],
      ['rocksdb', 'file'],
    ]) {
      const path = join(folder, kind as string);
      const db = await open(`${kind}:${path}`);
      await db.set('key', 'value');
      await db.close();
      const before = contents(path);
      for (const options of [{}, { readOnly: true }]) {
        expect(await failure(() => open(`${other}:${path}`, options))).toMatchObject({
          code: 'HIT_CONFIG',
          message: expect.stringContaining(`'${kind}'`),
        });
      }
      expect(contents(path)).toEqual(before);
    }
  });

  test('a RocksDB of hitkv as that of another program, whatever is named', async () => {
    const path = await newPath();
    await (await open(`rocksdb:${path}`)).close();
    const before = contents(path);
    for (const folder of [path, join(path, 'rocksdb')]) {
      expect(await failure(() => open(`rocksdb:${folder}`, { rocksdb: { raw: true } }))).toMatchObject({
        code: 'HIT_CONFIG',
        message: expect.stringContaining(folder),
      });
    }
    expect(await failure(() => open(`rocksdb:${path}/rocksdb`))).toMatchObject({ code: 'HIT_CONFIG' });
    expect(contents(path)).toEqual(before);
  });
});
