import { cp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { collect } from './collect.js';
import { failure } from './failure.js';
import { closing, temporaryFolder } from './place.js';

/** A RocksDB with two entries, as RocksDB's tool `ldb` makes one; its options are left out, as they may be. */
const ofAnother = fileURLToPath(new URL('../fixtures/rocksdb/of-another-program', import.meta.url));
const ENTRIES = [
  ['user:1', 'ada'],
  ['user:2', 'grace'],
];
const raw = { rocksdb: { raw: true } } as const;

let folder: string;
let url: string;
beforeEach(async () => {
  folder = join(await temporaryFolder(), 'theirs');
  await cp(ofAnother, folder, { recursive: true });
  url = `rocksdb:${folder}`;
});

describe('a RocksDB of another program', () => {
  test('is read and written as it is, and nothing of ours is put into it', async () => {
    const db = await open(url, raw);
    expect(await collect(db.entries())).toEqual(ENTRIES);
    expect([db.getSync('user:1'), await db.get('user:2'), await db.count()]).toEqual(['ada', 'grace', 2]);
    await db.batch([
      { type: 'set', key: 'user:3', value: 'edsger' },
      { type: 'delete', key: 'user:1' },
    ]);
    expect(await db.increment('visits')).toBe(1);
    await db.clear({ prefix: 'visits' });
    await db.close();
    const names = await readdir(folder);
    expect(names.filter((name) => /hitkv|OWNER/.test(name))).toEqual([]);
    expect(names).toContain('CURRENT');
    const again = closing(await open(url, raw));
    expect([...again.entriesSync()]).toEqual([
      ['user:2', 'grace'],
      ['user:3', 'edsger'],
    ]);
    expect(await again.verify()).toMatchObject({ ok: true });
  });

  test('keeps no expiry', async () => {
    const db = closing(await open(url, raw));
    expect(db.supports.ttl).toBe(false);
    for (const write of [
      () => db.set('user:1', 'gone', { ttlMs: 60_000 }),
      () => db.batch([{ type: 'set', key: 'user:1', value: 'gone', expiresAt: 4_102_444_800_000 }]),
      () => db.expire('user:1', 60_000),
    ]) {
      expect(await failure(write)).toMatchObject({ code: 'HIT_UNSUPPORTED' });
    }
    expect(await db.getEntry('user:1')).toEqual({ value: 'ada' });
    await db.set('user:1', 'still writable');
    await db.flush();
    expect(await collect(db.keys())).toEqual(['user:1', 'user:2']);
  });

  test('is joined within the process, and read beside its writer', async () => {
    const db = closing(await open(url, raw));
    const joined = closing(await open(url, raw));
    await db.set('user:3', 'edsger');
    expect(joined.getSync('user:3')).toBe('edsger');
    const reader = closing(await open(url, { ...raw, readOnly: true }));
    expect(await reader.get('user:3')).toBe('edsger');
    await db.set('user:4', 'barbara');
    await reader.refresh();
    expect(await collect(reader.values())).toEqual(['ada', 'grace', 'edsger', 'barbara']);
    expect(await failure(() => reader.set('user:5', 'x'))).toMatchObject({ code: 'HIT_UNSUPPORTED' });
  });

  test('is backed up as one that its program can open', async () => {
    const db = closing(await open(url, raw));
    await db.backup(`${folder}-copy`);
    const copy = closing(await open(`${url}-copy`, raw));
    expect(await collect(copy.entries())).toEqual(ENTRIES);
  });

  test('is not opened without being asked for, and is left as it is', async () => {
    const before = await readdir(folder);
    for (const options of [{}, { readOnly: true }, { rocksdb: { raw: false } }]) {
      expect(await failure(() => open(url, options))).toMatchObject({
        code: 'HIT_CONFIG',
        message: expect.stringContaining(folder),
      });
    }
    expect(await failure(() => open(folder, {}))).toMatchObject({ code: 'HIT_CONFIG' });
    expect(await readdir(folder)).toEqual(before);
  });

  test.each([
    ['a newer RocksDB', 'rocksdb_version=99.1.0', '99.1.0'],
    ['a merge operator', 'merge_operator=TheirOperator', 'TheirOperator'],
    ['a comparator', 'comparator=TheirOrder', 'TheirOrder'],
  ])('that needs %s is refused and left as it is', async (_, option, named) => {
    await writeFile(join(folder, 'OPTIONS-000099'), `[Version]\n  ${option}\n`);
    const before = await readdir(folder);
    for (const options of [raw, { ...raw, readOnly: true }]) {
      expect(await failure(() => open(url, options))).toMatchObject({
        code: 'HIT_CONFIG',
        message: expect.stringContaining(named),
      });
    }
    expect(await readdir(folder)).toEqual(before);
  });
});
