import { describe, expect, test } from 'vitest';
import { HitError, open } from '../index.js';
import { start, succeeded } from './child.js';
import { kept, temporaryFolder } from './place.js';

describe.each(kept)('garbage collection of a store in %s', (kind) => {
  test('a store that is dropped without a close gives its lock back when it is collected', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    const child = start('holder.mjs', [url], { flags: ['--expose-gc'] });
    expect(await child.line()).toBe('open');
    await expect(open(url)).rejects.toMatchObject({ code: 'HIT_LOCKED' });
    expect(await child.ask('drop')).toBe('dropped');

    // Not a wait: each try follows a collection that the child has finished.
    let tries = 0;
    for (; ; tries += 1) {
      expect(await child.ask('collect')).toBe('collected');
      try {
        const db = await open(url);
        // What was accepted before is there: a collected store is closed, not forgotten.
        expect([...db.keysSync()]).toEqual(['dropped', 'written by the holder']);
        await db.close();
        break;
      } catch (error) {
        if (!HitError.is(error) || error.code !== 'HIT_LOCKED' || tries === 500) throw error;
      }
    }
    // The child lives on and ends well.
    child.send('exit');
    expect(await child.exit).toEqual({ code: 0, signal: null, stderr: '' });
  });

  test('a write is answered though its store was dropped and collected meanwhile', async () => {
    const child = start('dropped-writes.mjs', [await temporaryFolder()], { flags: ['--expose-gc'] });
    expect(await child.line()).toBe('20 answered');
    expect(await child.exit).toEqual(succeeded);
  });

  test('a scan that is dropped in the middle gives its snapshot up when it is collected', async () => {
    const child = start('dropped-scans.mjs', [], { flags: ['--expose-gc'] });
    expect(await child.line()).toBe('held');
    expect(await child.line()).toBe('given up');
    expect(await child.exit).toEqual(succeeded);
  });
});
