import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { start } from './child.js';
import { failure } from './failure.js';
import { folderImage } from './folder-image.js';
import { notBuilt } from './not-built.js';
import { closing, kept, temporaryFolder } from './place.js';

const why = await notBuilt({ readOnly: true });

describe.skipIf(why)(`a store opened with readOnly${why ?? ''}`, () => {
  test('reads everything, and changes nothing in the folder', async () => {
    const folder = await temporaryFolder();
    const writer = await open(folder);
    await writer.setMany({ a: '1', b: '2' });
    await writer.close();
    const image = folderImage(folder);
    const reader = await open(folder, { readOnly: true });
    expect(reader.getSync('a')).toBe('1');
    expect([...reader.entriesSync()]).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    expect(await reader.count()).toBe(2);
    await reader.flush();
    await reader.close();
    expect(folderImage(folder)).toEqual(image);
  });

  test.each(kept)('refuses every write of a store in %s, and says why', async (kind) => {
    const url = `${kind}${await temporaryFolder()}`;
    await (await open(url)).close();
    const reader = closing(await open(url, { readOnly: true }));
    for (const call of [
      () => reader.set('key', 'value'),
      () => reader.setMany({ key: 'value' }),
      () => reader.delete('key'),
      () => reader.deleteMany(['key']),
      () => reader.clear(),
      () => reader.batch([{ type: 'set', key: 'key', value: 'value' }]),
      () => reader.update('key', () => 'value'),
      () => reader.increment('key'),
      () => reader.expire('key', 1000),
      () => reader.load([['key', 'value']]),
      () => reader.compact(),
      () => reader.sub('a').set('key', 'value'),
    ]) {
      expect(await failure(call), String(call)).toMatchObject({
        name: 'HitError',
        code: 'HIT_UNSUPPORTED',
        message: expect.stringMatching(/read-only|readOnly/),
      });
    }
    expect(await reader.count()).toBe(0);
  });

  test('works beside a writer of this process, and refresh moves it on', async () => {
    const folder = await temporaryFolder();
    const writer = closing(await open(folder));
    await writer.set('a', '1');
    const reader = closing(await open(folder, { readOnly: true }));
    expect(await reader.get('a')).toBe('1');
    await writer.set('a', '2');
    await writer.set('b', '1');
    expect(await reader.getMany(['a', 'b'])).toEqual(['1', undefined]);
    const scan = reader.entries();
    expect((await scan.next()).value).toEqual(['a', '1']);
    await reader.refresh();
    expect(await reader.getMany(['a', 'b'])).toEqual(['2', '1']);
    expect(await scan.next()).toEqual({ done: true, value: undefined });
  });

  test('works beside a writer of another process that holds the lock', async () => {
    const folder = await temporaryFolder();
    const child = start('holder.mjs', [folder]);
    await child.line();
    expect(await failure(() => open(folder))).toMatchObject({ code: 'HIT_LOCKED' });
    const reader = closing(await open(folder, { readOnly: true }));
    expect(await reader.count()).toBeGreaterThanOrEqual(0);
    await reader.refresh();
    await reader.dump(`${await temporaryFolder()}/dump.csv`);
    child.kill('SIGKILL');
    await child.exit;
    await reader.refresh();
  });

  test('makes no store where there is none', async () => {
    const folder = await temporaryFolder();
    for (const options of [{ readOnly: true }, { readOnly: true, createIfMissing: true }]) {
      expect(await failure(() => open(`${folder}/store`, options))).toMatchObject({ code: 'HIT_CONFIG' });
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('can be backed up and checked', async () => {
    const folder = await temporaryFolder();
    const writer = closing(await open(`${folder}/store`));
    await writer.set('a', '1');
    const reader = closing(await open(`${folder}/store`, { readOnly: true }));
    expect(await reader.verify()).toMatchObject({ ok: true });
    await reader.backup(`${folder}/backup`);
    expect(await closing(await open(`${folder}/backup`)).get('a')).toBe('1');
  });
});
