import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { open } from '../index.js';
import { start } from './child.js';
import { namedPipe, noPipes } from './pipe.js';
import { kept, temporaryFolder } from './place.js';

const name = (number: number) => `key${String(number).padStart(6, '0')}`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `{"key":"${name(from + at)}","value":"${from + at}"}\n`).join(
    '',
  );

test.skipIf(noPipes).each(kept)(
  `a killed load into %s leaves a first part of its file, and loading again the whole${noPipes ? ` (skipped: ${noPipes})` : ''}`,
  async (kind) => {
    const url = `${kind}${await temporaryFolder()}`;
    let before = 0;
    for (const killAt of [1, 4_000, 12_000]) {
      // The pipe has no end, so the load is in its middle whenever it is killed.
      const { path, side } = await namedPipe('entries.ndjson');
      const child = start('load.mjs', [url, path]);
      let killed = false;
      for (let written = 0; !killed; written += 1_000) {
        await side.write(lines(written, written + 1_000));
        const [, done] = (await child.line()).split(' ').map(Number) as [number, number];
        killed = done >= killAt;
      }
      child.kill('SIGKILL');
      expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL', stderr: '' });
      const db = await open(url);
      try {
        const keys = [...db.keysSync()];
        expect(keys).toEqual(keys.map((_, number) => name(number)));
        expect(keys.length).toBeGreaterThanOrEqual(before);
        before = keys.length;
      } finally {
        await db.close();
      }
    }
    const path = `${await temporaryFolder()}/entries.ndjson`;
    await writeFile(path, lines(0, 20_000));
    const child = start('load.mjs', [url, path]);
    const said: string[] = [];
    for await (const line of child.lines) said.push(line);
    expect(said.at(-1)).toBe('loaded');
    const db = await open(url);
    try {
      expect(await db.count()).toBe(20_000);
      expect(await db.get(name(19_999))).toBe('19999');
    } finally {
      await db.close();
    }
  },
);
