import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { HitError, open } from '../index.js';
import { start } from './child.js';
import { failure } from './failure.js';
import { closing, kept, temporaryFolder } from './place.js';

describe.each(kept)('who owns a store in %s', (kind) => {
  test('a second process is told who holds the store', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    const child = start('holder.mjs', [url]);
    expect(await child.line()).toBe('open');
    const error = await failure(() => open(url));
    expect(error).toMatchObject({ code: 'HIT_LOCKED', retryable: true });
    expect(error.message).toContain(String(child.pid));
    // The owner has noticed nothing.
    expect(await child.ask('set key value')).toBe('set');
    expect(await child.ask('close')).toBe('closed');
    const db = closing(await open(url));
    expect(await db.get('key')).toBe('value');
  });

  test('a killed process leaves no lock behind', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    const child = start('holder.mjs', [url]);
    expect(await child.line()).toBe('open');
    child.kill('SIGKILL');
    expect((await child.exit).signal).toBe('SIGKILL');
    const db = closing(await open(url));
    expect(await db.get('written by the holder')).toBe('value');
  });

  test('a store opened while another process holds it is left as it is', async () => {
    const folder = await temporaryFolder();
    const child = start('holder.mjs', [`${kind}${folder}`]);
    expect(await child.line()).toBe('open');
    const before = (await readdir(folder, { recursive: true })).sort();
    for (let tries = 0; tries < 20; tries += 1) await failure(() => open(`${kind}${folder}`));
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(before);
  });

  test('a second open in one process joins the first', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    const first = await open(url);
    const second = await open(url, { durability: 'os', maxPendingBytes: 1_000_000 });
    await first.set('key', 'from the first');
    expect(second.getSync('key')).toBe('from the first');
    await second.set('key', 'from the second');
    expect(first.getSync('key')).toBe('from the second');
    await first.close();
    expect(await failure(() => first.get('key'))).toMatchObject({ code: 'HIT_NOT_OPEN' });
    expect(second.getSync('key')).toBe('from the second');
    await second.set('after', 'value');
    await second.close();
    const again = closing(await open(url));
    expect(again.getSync('after')).toBe('value');
  });

  test('handles of one store have encodings of their own', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    const text = closing(await open(url));
    const json = closing(await open<{ n: number }>(url, { valueEncoding: 'json' }));
    const binary = closing(await open(url, { valueEncoding: 'binary', keyEncoding: 'binary' }));
    await json.set('key', { n: 1 });
    expect(text.getSync('key')).toBe('{"n":1}');
    expect(Buffer.from(binary.getSync(Buffer.from('key')) as Uint8Array).toString()).toBe('{"n":1}');
  });

  test('opens of one store at the same time are one store', async () => {
    const url = `${kind}${await temporaryFolder()}/store`;
    const handles = await Promise.all(Array.from({ length: 8 }, () => open(url)));
    for (const handle of handles) closing(handle);
    await handles[0]?.set('key', 'value');
    expect(handles.map((handle) => handle.getSync('key'))).toEqual(handles.map(() => 'value'));
  });

  test('an open waits for a close under way', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    for (let round = 0; round < 20; round += 1) {
      const db = await open(url);
      void db.set(`key${round}`, 'value', { durability: 'memory' });
      const close = db.close();
      const again = await open(url);
      await close;
      expect(await again.count()).toBe(round + 1);
      await again.close();
    }
  });
});

test('one folder by several paths is one store', async () => {
  const folder = await temporaryFolder();
  const first = closing(await open(`file:${folder}/store`));
  const second = closing(await open(`${folder}/./store/`));
  const third = closing(await open(new URL(`file://${folder}/store`)));
  await first.set('key', 'value');
  expect([second.getSync('key'), third.getSync('key')]).toEqual(['value', 'value']);
});

test('options of the store that differ are refused, those of the handle are not', async () => {
  const url = `file:${await temporaryFolder()}`;
  const first = closing(await open(url, { file: { segmentBytes: 1_048_576 } }));
  const error = await failure(() => open(url, { file: { segmentBytes: 2_097_152 } }));
  expect(error).toMatchObject({ code: 'HIT_CONFIG', message: expect.stringContaining("'file'") });
  const same = closing(await open(url, { file: { segmentBytes: 1_048_576 }, durability: 'memory' }));
  await same.set('key', 'value');
  expect(await first.get('key')).toBe('value');
});

test('memory: is always a new store', async () => {
  const first = closing(await open('memory:'));
  const second = closing(await open('memory:'));
  await first.set('key', 'value');
  expect(await second.get('key')).toBeUndefined();
});

test('HitError.is knows the errors of another copy of the package', async () => {
  const copy = (await import(
    new URL('../dist/index.js', import.meta.url).href
  )) as typeof import('../index.js');
  expect(copy.HitError).not.toBe(HitError);
  const error = await failure(() => copy.open('nonsense://x'));
  expect(error).not.toBeInstanceOf(HitError);
  expect(HitError.is(error)).toBe(true);
  expect(HitError.is(new Error('no'))).toBe(false);
  expect(HitError.is(Object.assign(new Error('no'), { code: 'HIT_IO' }))).toBe(false);
  for (const other of [undefined, null, 'HIT_IO', {}]) expect(HitError.is(other)).toBe(false);
});
