import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open, verify } from '../index.js';
import { start, succeeded } from './child.js';
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

/** What is only half made: a dump without its name, a backup that is not whole. */
async function halfMade(): Promise<string[]> {
  const names = readdirSync(folder);
  const half = names.filter((name) => name.includes('unfinished'));
  for (const name of names.filter((one) => one.startsWith('backup'))) {
    // A backup that was ended leaves an empty folder for the log, which the next one takes.
    if (readdirSync(`${folder}/${name}`, { recursive: true }).join() === 'log') continue;
    const whole = await verify(`${folder}/${name}`)
      .then(({ ok }) => ok)
      .catch(() => false);
    if (!whole) half.push(name);
  }
  return half;
}

describe.each(['load', 'loadStore', 'dump', 'verify', 'verifyClosed', 'backup'])('%s', (call) => {
  test('in a worker that is terminated: no crash, the store goes on', async () => {
    const child = start('long-calls.mjs', ['terminate', call, folder]);
    expect(await child.line()).toBe('entries true');
    expect(await child.exit).toEqual(succeeded);
  });

  test('in a process that exits: nothing accepted is lost', async () => {
    const child = start('long-calls.mjs', ['exit', call, folder]);
    expect(await child.exit).toEqual({ ...succeeded, code: 7 });
    expect(await halfMade()).toEqual([]);
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
    expect(await halfMade()).toEqual([]);
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
