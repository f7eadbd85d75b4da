import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenOptions, Store } from '../index.js';
import { open } from '../index.js';

/**
 * Why a suite is skipped: what it is about says itself that it is not built yet. It runs as soon as that is, without
 * anybody thinking of it.
 */
export async function notBuilt(
  options: OpenOptions,
  use: (db: Store<string>, folder: string) => Promise<unknown> = async () => {},
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'hitkv-test-'));
  try {
    await (await open(`${folder}/store`)).close();
    const db = await open(`${folder}/store`, {
      ...options,
      valueEncoding: 'utf8' as const,
      keyEncoding: 'utf8' as const,
    });
    await use(db, folder).finally(() => db.close());
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    if (message.includes('not built yet')) return ` (SKIPPED: ${message})`;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
