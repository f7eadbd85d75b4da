import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { open, verify } from '../index.js';
import { expectArgumentError, failure } from './failure.js';
import { closing, kinds, temporaryFolder } from './place.js';

describe('a store in memory', () => {
  test('has nothing to check', async () => {
    const db = closing(await open('memory:'));
    await db.set('key', 'value');
    const nothing = { ok: true, bytes: 0, problems: [] };
    expect(await db.verify()).toEqual(nothing);
    expect(await verify('memory:')).toEqual(nothing);
  });

  test('has no files to back up, and says what to do', async () => {
    const folder = await temporaryFolder();
    const db = closing(await open('memory:'));
    expect(db.supports.backup).toBe(false);
    expect(await failure(() => db.backup(folder))).toMatchObject({
      code: 'HIT_UNSUPPORTED',
      message: expect.stringContaining('dump'),
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe.each(kinds)('$kind', ({ url }) => {
  test('a store that writes has nothing to refresh', async () => {
    const db = closing(await open(await url()));
    expect(await failure(() => db.refresh())).toMatchObject({
      name: 'HitError',
      code: 'HIT_UNSUPPORTED',
      message: expect.stringContaining('readOnly'),
    });
  });

  test('a closed store does none of it', async () => {
    const db = await open(await url());
    await db.close();
    for (const call of [
      () => db.compact(),
      () => db.refresh(),
      () => db.verify(),
      () => db.backup('./backup'),
      () => db.load('./load.csv'),
      () => db.load([['key', 'value']]),
      () => db.dump('./dump.csv'),
    ]) {
      expect(await failure(call), String(call)).toMatchObject({ code: 'HIT_NOT_OPEN' });
    }
  });

  test('a signal that is aborted lets nothing begin', async () => {
    const folder = await temporaryFolder();
    const db = closing(await open(await url()));
    const signal = AbortSignal.abort('enough');
    for (const call of [
      () => db.verify({ signal }),
      () => db.backup(`${folder}/backup`, { signal }),
      () => db.load(`${folder}/load.csv`, { signal }),
      () => db.load([['key', 'value']], { signal }),
      () => db.dump(`${folder}/dump.csv`, { signal }),
    ]) {
      expect(await failure(call), String(call)).toMatchObject({ code: 'HIT_ABORTED', cause: 'enough' });
    }
    expect(await readdir(folder)).toEqual([]);
    expect(await db.count()).toBe(0);
  });

  test.each<[string, unknown]>([
    ['an unknown option', { onprogress: () => {} }],
    ['onProgress that is no function', { onProgress: true }],
    ['a signal that is none', { signal: new AbortController() }],
    ['options that are none', 7],
    ['null', null],
  ])('%s is refused', async (_, options) => {
    const folder = await temporaryFolder();
    const db = closing(await open(await url()));
    expectArgumentError(await failure(() => db.verify(options as never)));
    expectArgumentError(await failure(() => verify(folder, options as never)));
    expectArgumentError(await failure(() => db.backup(`${folder}/backup`, options as never)));
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([undefined, null, 7, {}, ['./backup']])('%j is no folder to back up into', async (folder) => {
    const db = closing(await open(await url()));
    expectArgumentError(await failure(() => db.backup(folder as never)));
  });
});

test('verify refuses what is no URL of a store as open does', async () => {
  expectArgumentError(await failure(() => verify(undefined as never)));
  expect(await failure(() => verify('nonsense:x'))).toMatchObject({ code: 'HIT_CONFIG' });
  expect(await failure(() => verify('postgres://localhost/db'))).toMatchObject({ code: 'HIT_UNSUPPORTED' });
});
