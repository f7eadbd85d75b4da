import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { start, succeeded } from './child.js';
import { kept, temporaryFolder } from './place.js';

describe.each(kept)('the end of a process with a store in %s', (kind) => {
  /** Runs the child in one of its ways; what it said, how it ended and the keys that are there afterwards. */
  async function ended(way: string) {
    const url = `${kind}${await temporaryFolder()}`;
    const child = start('exit.mjs', [url, way], { flags: ['--expose-gc'] });
    const said: string[] = [];
    for await (const line of child.lines) said.push(line);
    const exit = await child.exit;
    const db = await open(url);
    const keys = [...db.keysSync()];
    await db.close();
    return { said, exit, keys };
  }

  test('a memory write is not lost when process.exit follows', async () => {
    expect(await ended('a memory write, then exit')).toEqual({ said: [], exit: succeeded, keys: ['key'] });
  });

  test('memory writes are not lost when process.exit follows in the same turn', async () => {
    const { exit, keys } = await ended('a memory write and exit in one turn');
    expect(exit).toEqual(succeeded);
    expect(keys.length).toBe(1000);
  });

  test.each(['memory writes, a close under way and exit', 'memory writes of a collected store and exit'])(
    'nothing of %s is lost',
    async (way) => {
      const { exit, keys } = await ended(way);
      expect(exit).toEqual(succeeded);
      expect(keys.length).toBe(500);
    },
  );

  test('a memory write in a listener of exit does no harm', async () => {
    const { exit } = await ended('a memory write in a listener of exit');
    expect(exit).toEqual(succeeded);
  });

  test.each(['an uncaught error', 'an unhandled rejection'])(
    '%s ends the process as usual and loses nothing acknowledged',
    async (way) => {
      const { exit, keys } = await ended(way);
      expect(exit).toMatchObject({ code: 1, signal: null, stderr: expect.stringContaining('on purpose') });
      expect(keys).toContain('acknowledged');
    },
  );

  test('memory writes before an uncaught error are not lost', async () => {
    expect((await ended('an uncaught error')).keys).toEqual(['acknowledged', 'in flight']);
  });

  test('an idle store does not keep the process alive', async () => {
    expect(await ended('nothing to do')).toEqual({ said: [], exit: succeeded, keys: ['key'] });
  });

  test('an open scan does not keep the process alive', async () => {
    expect((await ended('an open scan')).exit).toEqual(succeeded);
  });

  test.each(['a pending write', 'a pending batch', 'a pending flush', 'a pending close'])(
    '%s keeps the process alive',
    async (way) => {
      expect(await ended(way)).toEqual({ said: ['acknowledged'], exit: succeeded, keys: ['key'] });
    },
  );

  test('a process ends by itself after a close', async () => {
    expect(await ended('a close')).toEqual({ said: [], exit: succeeded, keys: ['key'] });
  });
});
