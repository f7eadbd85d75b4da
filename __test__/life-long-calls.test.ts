import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { start, succeeded } from './child.js';
import { notBuilt } from './not-built.js';
import { namedPipe } from './pipe.js';

const ENTRIES = 150_000;

/** A store of many entries, and the same entries as a file. */
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hitkv-test-'));
  let text = '';
  for (let number = 0; number < ENTRIES; number += 1)
    text += `{"key":"key${number}","value":"value${number}"}\n`;
  await writeFile(`${folder}/entries.ndjson`, text);
  const db = await open(`${folder}/store`);
  await db.load(`${folder}/entries.ndjson`);
  await db.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a call leaves when it was not ended in its middle, and nothing else. */
const leftovers = () =>
  readdirSync(folder).filter((name) => name.includes('unfinished') || name.startsWith('backup'));

const noVerify = await notBuilt({}, (db) => db.verify());
const noBackup = await notBuilt({}, (db, folder) => db.backup(`${folder}/backup`));

describe.each<[string, string | undefined]>([
  ['load', undefined],
  ['loadStore', undefined],
  ['dump', undefined],
  ['verify', noVerify],
  ['verifyClosed', noVerify],
  ['backup', noBackup],
])('%s', (call, why) => {
  if (why) return void test.skip(`at the end of a thread${why}`);
  test('in a worker that is terminated: no crash, the store goes on', async () => {
    const child = start('long-calls.mjs', ['terminate', call, folder]);
    expect(await child.line()).toBe('entries true');
    expect(await child.exit).toEqual(succeeded);
  });

  test('in a process that exits: nothing accepted is lost', async () => {
    const child = start('long-calls.mjs', ['exit', call, folder]);
    expect(await child.exit).toEqual({ ...succeeded, code: 7 });
    expect(leftovers()).toEqual([]);
    const db = await open(`${folder}/store`);
    expect(await db.get('accepted')).toBe('value');
    await db.delete('accepted');
    await db.close();
  });

  test('in a process that an error ends', async () => {
    const child = start('long-calls.mjs', ['throw', call, folder]);
    expect(await child.exit).toMatchObject({
      code: 1,
      signal: null,
      stderr: expect.stringContaining('on purpose'),
    });
    expect(leftovers()).toEqual([]);
  });

  test('keeps a program alive that does nothing else', async () => {
    const child = start('long-calls.mjs', ['leave', call, folder]);
    expect(await child.line()).toContain('answered');
    expect(await child.exit).toEqual(succeeded);
  });
});

test.skipIf(process.platform !== 'linux')(
  'the thread of a call ends with the worker that made it (on Linux, which tells threads)',
  async () => {
    const { path, side } = await namedPipe('endless.ndjson');
    await side.write('{"key":"key","value":"value"}\n');
    const child = start('long-calls.mjs', ['threads', 'loadEndless', dirname(path)]);
    expect(await child.line()).toBe('while it runs 1');
    // Nothing else would end it: its source has no end.
    expect(await child.line()).toBe('ended');
    expect(await child.exit).toEqual(succeeded);
  },
);
