import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { start, succeeded } from './child.js';
import { kept, temporaryFolder } from './place.js';

describe.each(kept)('workers of a store in %s', (kind) => {
  test('workers of one process share one store', async () => {
    const url = `${kind}${await temporaryFolder()}`;
    const child = start('workers.mjs', [url]);
    const said: string[] = [];
    for await (const line of child.lines) said.push(line);
    expect(await child.exit).toEqual(succeeded);
    expect(said).toEqual(['counter 800', 'entries 801', 'seen 802 802 802 802', 'workers have ended']);
    const db = await open(url);
    expect(await db.count()).toBe(802);
    await db.close();
  });

  test.each(['held', 'not held'])(
    'a worker terminated in the middle of writes loses nothing acknowledged, the store %s by the main thread',
    async (held) => {
      const url = `${kind}${await temporaryFolder()}`;
      const child = start('terminate.mjs', [url, held]);
      expect(await child.line()).toBe('lost 0');
      // No crash, no hang, and the lock is free.
      expect(await child.exit).toEqual(succeeded);
      const db = await open(url);
      for (let round = 0; round < 8; round += 1) expect(db.getSync(`after ${round}`)).toBe('value');
      await db.close();
    },
  );

  test.each([
    ['ends', ['ended 0']],
    ['throws', ['error on purpose', 'ended 1']],
    ['exits', ['ended 7']],
  ])(
    'a worker that %s without a close loses nothing acknowledged and gives the store back',
    async (way, ended) => {
      const url = `${kind}${await temporaryFolder()}`;
      const child = start('worker-ends.mjs', [url, way]);
      const said: string[] = [];
      for await (const line of child.lines) said.push(line);
      expect(await child.exit).toEqual(succeeded);
      expect(said).toEqual([...ended, 'acknowledged 20 lost 0']);
      const db = await open(url);
      expect(await db.get('after')).toBe('value');
      await db.close();
    },
  );
});
