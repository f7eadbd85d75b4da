import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { open, verify } from '../index.js';
import { start } from './child.js';
import { collect } from './collect.js';
import { failure } from './failure.js';
import { folderImage } from './folder-image.js';
import { closing, temporaryFolder } from './place.js';

describe('a store in rocksdb: opened with readOnly', () => {
  test('reads everything, and changes nothing in the folder', async () => {
    const folder = await temporaryFolder();
    const writer = await open(`rocksdb:${folder}`);
    await writer.setMany({ a: '1', b: '2' });
    await writer.close();
    const image = folderImage(folder);
    const reader = await open(`rocksdb:${folder}`, { readOnly: true });
    expect(reader.getSync('a')).toBe('1');
    expect([...reader.entriesSync()]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(await reader.getMany(['b', 'c'])).toEqual(['2', undefined]);
    expect(await reader.count()).toBe(2);
    await reader.flush();
    expect(await reader.verify()).toMatchObject({ ok: true });
    await reader.close();
    expect(folderImage(folder)).toEqual(image);
  });

  test('works beside a writer, and refresh moves it on between scans', async () => {
    const folder = await temporaryFolder();
    const writer = closing(await open(`rocksdb:${folder}`));
    await writer.set('a', '1');
    const reader = closing(await open(`rocksdb:${folder}`, { readOnly: true }));
    expect(await reader.get('a')).toBe('1');
    await writer.set('a', '2');
    await writer.set('b', '1');
    expect(await reader.getMany(['a', 'b'])).toEqual(['1', undefined]);
    const scan = reader.entries();
    expect((await scan.next()).value).toEqual(['a', '1']);
    expect(await failure(() => reader.refresh())).toMatchObject({ code: 'HIT_BUSY', retryable: true });
    await scan.return?.();
    await reader.refresh();
    expect(await reader.getMany(['a', 'b'])).toEqual(['2', '1']);
    expect(await collect(reader.keys())).toEqual(['a', 'b']);
  });

  test('works beside a writer of another process that holds the lock and is killed', async () => {
    const folder = await temporaryFolder();
    const child = start('holder.mjs', [`rocksdb:${folder}`]);
    await child.line();
    expect(await failure(() => open(`rocksdb:${folder}`))).toMatchObject({ code: 'HIT_LOCKED' });
    const reader = closing(await open(`rocksdb:${folder}`, { readOnly: true }));
    expect(await reader.get('written by the holder')).toBe('value');
    expect(await child.ask('set key value')).toBe('set');
    await reader.refresh();
    expect(await reader.get('key')).toBe('value');
    await reader.dump(`${await temporaryFolder()}/dump.csv`);
    await reader.backup(`${await temporaryFolder()}/backup`);
    child.kill('SIGKILL');
    await child.exit;
    await reader.refresh();
    expect(await reader.get('key')).toBe('value');
  });

  test('makes no store where there is none', async () => {
    const folder = await temporaryFolder();
    for (const options of [{ readOnly: true }, { readOnly: true, createIfMissing: true }]) {
      const error = await failure(() => open(`rocksdb:${folder}/store`, options));
      expect(error).toMatchObject({ code: 'HIT_CONFIG' });
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('verify of a store in rocksdb:', () => {
  /** A store that is closed, and its largest table. */
  async function closed() {
    const folder = await temporaryFolder();
    const db = await open(`rocksdb:${folder}`, { rocksdb: { compression: 'none' } });
    for (let number = 0; number < 2_000; number += 1) void db.set(`key${number}`, 'v'.repeat(500));
    await db.close();
    const tables = readdirSync(`${folder}/rocksdb`).filter((name) => name.endsWith('.sst'));
    const paths = tables.map((name) => `${folder}/rocksdb/${name}`);
    const [table] = paths.sort((left, right) => statSync(right).size - statSync(left).size);
    return { folder, url: `rocksdb:${folder}`, table: table as string };
  }

  test('finds nothing in what is whole, open or closed, and changes nothing', async () => {
    const { folder, url } = await closed();
    const image = folderImage(folder);
    const report = await verify(url);
    expect(report).toEqual({ ok: true, bytes: expect.any(Number), problems: [] });
    expect(report.bytes).toBeGreaterThan(500_000);
    expect(folderImage(folder)).toEqual(image);
    const db = closing(await open(url));
    void db.set('just now', 'value');
    expect(await db.verify()).toMatchObject({ ok: true, problems: [] });
    // Beside the program that has it open.
    expect(await verify(url)).toMatchObject({ ok: true, problems: [] });
    expect(await db.get('just now')).toBe('value');
  });

  test('names file and offset of what is damaged in a store that is closed, and changes nothing', async () => {
    const { folder, url, table } = await closed();
    const bytes = readFileSync(table);
    const offset = Math.floor(bytes.length / 2);
    bytes[offset] = (bytes[offset] as number) ^ 0x5a;
    writeFileSync(table, bytes);
    const image = folderImage(folder);
    const { ok, problems } = await verify(url);
    expect(ok).toBe(false);
    expect(problems).toEqual([
      {
        file: table,
        offset: expect.any(Number),
        code: 'HIT_CORRUPTION',
        message: expect.stringMatching(/\w+ \w+/),
      },
    ]);
    expect(problems[0]?.offset).toBeLessThanOrEqual(offset);
    expect(problems[0]?.offset).toBeGreaterThan(offset - 40_000);
    expect(folderImage(folder)).toEqual(image);
    expect(basename(problems[0]?.file ?? '')).toMatch(/^\d+\.sst$/);
  });

  test('tells progress, and ends by what onProgress throws', async () => {
    const { url } = await closed();
    const told: number[] = [];
    const { bytes } = await verify(url, { onProgress: (progress) => told.push(progress.bytes) });
    expect(told.at(-1)).toBe(bytes);
    const error = new Error('on purpose');
    const onProgress = () => {
      throw error;
    };
    expect(await failure(() => verify(url, { onProgress }))).toBe(error);
  });
});

/** A program of another kind that has a database open: RocksDB locks its file LOCK by fcntl. */
const noHolder = (() => {
  if (process.platform !== 'linux') return 'the lock is laid out as Linux has it';
  try {
    execFileSync('perl', ['-v'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'there is no perl';
  }
})();
if (noHolder) process.stderr.write(`not tested here: a RocksDB that another program holds; ${noHolder}\n`);

test.skipIf(noHolder)(
  `a database that another program holds is HIT_LOCKED and left as it is${noHolder ? ` (skipped: ${noHolder})` : ''}`,
  async () => {
    const folder = await temporaryFolder();
    const db = await open(`rocksdb:${folder}`);
    await db.set('key', 'value');
    await db.close();
    const lock = `${folder}/rocksdb/LOCK`;
    closeSync(openSync(lock, 'a'));
    const holder = start('hold-lock.mjs', [lock]);
    expect(await holder.line()).toBe('held');
    const names = readdirSync(`${folder}/rocksdb`).sort();
    const error = await failure(() => open(`rocksdb:${folder}`));
    expect(error).toMatchObject({ code: 'HIT_LOCKED', retryable: true });
    expect(error.message).toContain(`${folder}/rocksdb`);
    expect(readdirSync(`${folder}/rocksdb`).filter((name) => name.endsWith('.sst'))).toEqual(
      names.filter((name) => name.endsWith('.sst')),
    );
    const reader = closing(await open(`rocksdb:${folder}`, { readOnly: true }));
    expect(await reader.get('key')).toBe('value');
    holder.send('end');
    await holder.exit;
    expect(await closing(await open(`rocksdb:${folder}`)).get('key')).toBe('value');
  },
);
