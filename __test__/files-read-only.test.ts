import { chmodSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { open } from '../index.js';
import { failure } from './failure.js';
import { folderImage } from './folder-image.js';
import { cannotMount, remount, smallDisk } from './mounted.js';
import { closing, temporaryFolder } from './place.js';

/** A folder, and how to make it read-only and writable again. Root is not held by permissions: it needs a file system that is. */
async function place(): Promise<{ folder: string; set(mode: 'ro' | 'rw'): void }> {
  if (!cannotMount()) {
    const folder = await smallDisk(8_388_608);
    return { folder, set: (mode) => remount(folder, mode) };
  }
  const folder = `${await temporaryFolder()}/folder`;
  await mkdir(folder);
  return { folder, set: (mode) => chmodSync(folder, mode === 'ro' ? 0o555 : 0o755) };
}

test('a store cannot be made in a read-only folder, and the error says where', async () => {
  const { folder, set } = await place();
  set('ro');
  try {
    const error = await failure(() => open(`file:${folder}/store`));
    expect(error).toMatchObject({
      name: 'HitError',
      code: 'HIT_CONFIG',
      message: expect.stringContaining(`${folder}/store`),
    });
  } finally {
    set('rw');
  }
  await closing(await open(`file:${folder}/store`)).set('key', 'value');
});

test.skipIf(cannotMount())(
  `a store in a read-only folder is refused and left as it is${cannotMount() ? ` (skipped: ${cannotMount()})` : ''}`,
  async () => {
    const { folder, set } = await place();
    const db = await open(`file:${folder}/store`);
    await db.set('key', 'value');
    await db.close();
    const image = folderImage(folder);
    set('ro');
    try {
      const error = await failure(() => open(`file:${folder}/store`));
      expect(error).toMatchObject({
        name: 'HitError',
        code: 'HIT_CONFIG',
        message: expect.stringContaining('store'),
      });
    } finally {
      set('rw');
    }
    expect(folderImage(folder)).toEqual(image);
    const again = closing(await open(`file:${folder}/store`));
    expect(await again.get('key')).toBe('value');
  },
);
