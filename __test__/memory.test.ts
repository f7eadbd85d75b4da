import { expect, test } from 'vitest';
import { start, succeeded } from './child.js';
import { temporaryFolder } from './place.js';

test.each(['memory:', 'file:'])(
  'deleting and compacting gives memory back to the system (%s)',
  async (kind) => {
    const url = kind === 'memory:' ? kind : `file:${await temporaryFolder()}`;
    const child = start('shrinks.mjs', [url], { flags: ['--expose-gc'] });
    const { empty, full, after, entries } = JSON.parse(await child.line());
    expect(entries).toBe(1_000);
    const [rss, memory, disk] = [0, 1, 2].map((figure) => ({
      grown: full[figure] - empty[figure],
      left: after[figure] - empty[figure],
    }));
    // 80 MB were put in; what is left is a two-hundredth of that, and what JavaScript's own heap keeps.
    expect(rss?.grown).toBeGreaterThan(80e6);
    expect(rss?.left).toBeLessThan((rss?.grown ?? 0) / 2);
    expect(memory?.left).toBeLessThan((memory?.grown ?? 0) / 10);
    if (kind === 'file:') expect(disk?.left).toBeLessThan((disk?.grown ?? 0) / 50);
    expect(await child.exit).toEqual(succeeded);
  },
);
