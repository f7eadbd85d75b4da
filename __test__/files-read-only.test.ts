import { chmodSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { failure } from './failure.js';
import { folderImage } from './folder-image.js';
import { cannotMount, remount, smallDisk } from './mounted.js';
import { closing, temporaryFolder } from './place.js';

// Root is not held by permissions: it needs a file system that is read-only.
const why = process.getuid?.() === 0 ? cannotMount() : undefined;

/** A folder, and how to make it read-only and writable again. */
async function place(): Promise<{ folder: string; set(mode: 'ro' | 'rw'): void }> {
  if (process.getuid?.() === 0) {
    const folder = await smallDisk(8_388_608);
    return { folder, set: (mode) => remount(folder, mode) };
  }
  const folder = `${await temporaryFolder()}/folder`;
  await mkdir(folder);
  const set = (mode: 'ro' | 'rw') => {
    chmodSync(folder, mode === 'ro' ? 0o555 : 0o755);
    for (const name of readdirSync(folder, { recursive: true }) as string[]) {
      chmodSync(`${folder}/${name}`, mode === 'ro' ? 0o555 : 0o755);
    }
  };
  return { folder, set };
}

/** Opens a store there and holds that it is refused, saying where. */
async function refused(path: string): Promise<void> {
  const error = await failure(() => open(`file:${path}`));
  expect(error).toMatchObject({
    name: 'HitError',
    code: 'HIT_CONFIG',
    message: expect.stringContaining(path),
  });
}

describe.skipIf(why)(`a read-only folder${why ? ` (skipped: ${why})` : ''}`, () => {
  test('gets no store, and the error says where', async () => {
    const { folder, set } = await place();
    set('ro');
    try {
      await refused(`${folder}/store`);
    } finally {
      set('rw');
    }
    await closing(await open(`file:${folder}/store`)).set('key', 'value');
  });

  test('is enough for a store that is only read', async () => {
    const { folder, set } = await place();
    const db = await open(`file:${folder}/store`);
    await db.set('key', 'value');
    await db.close();
    set('ro');
    try {
      const reader = await open(`file:${folder}/store`, { readOnly: true });
      await reader.refresh();
      expect(reader.getSync('key')).toBe('value');
      expect(await reader.verify()).toMatchObject({ ok: true });
      await reader.close();
    } finally {
      set('rw');
    }
  });

  test('keeps the store it has, which is refused and left as it is', async () => {
    const { folder, set } = await place();
    const db = await open(`file:${folder}/store`);
    await db.set('key', 'value');
    await db.close();
    const image = folderImage(folder);
    set('ro');
    try {
      await refused(`${folder}/store`);
    } finally {
      set('rw');
    }
    expect(folderImage(folder)).toEqual(image);
    const again = closing(await open(`file:${folder}/store`));
    expect(await again.get('key')).toBe('value');
  });
});
