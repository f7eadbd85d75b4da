/** How commands open a store: to read beside whoever has it, or to write as its only owner. */
import { HitError } from '../errors.js';
import { Ended, EXIT } from './exit-codes.js';
import { describeFailure } from './failure.js';
import { serverOf } from './owner.js';
import type { BytesStore, Surroundings } from './surroundings.js';

/** The store argument of every command but `serve`. */
export const STORE = 'where the store is: a folder, file:<folder> or rocksdb:<folder>';

const BYTES = { keyEncoding: 'binary', valueEncoding: 'binary' } as const;

/** Opens an existing store without its lock, and closes it when `use` has ended. */
export async function reading<T>(
  surroundings: Surroundings,
  url: string,
  use: (store: BytesStore) => Promise<T>,
): Promise<T> {
  refuseMemory(url);
  const store = await surroundings.open(url, { ...BYTES, readOnly: true, createIfMissing: false });
  return closing(store, use);
}

/** How a command writes. */
export interface Writing {
  /** Whether a store that does not exist is made. */
  create: boolean;
  /** What to do where a server has the store; it answers at `server` (http://…). */
  instead(server: string): string;
}

/** Opens a store with its lock, and closes it when `use` has ended. */
export async function writing<T>(
  surroundings: Surroundings,
  url: string,
  { create, instead }: Writing,
  use: (store: BytesStore) => Promise<T>,
): Promise<T> {
  refuseMemory(url);
  let store: BytesStore;
  try {
    store = await surroundings.open(url, { ...BYTES, createIfMissing: create });
  } catch (error) {
    if (!HitError.is(error) || error.code !== 'HIT_LOCKED') throw error;
    const server = await serverOf(url);
    const remedy = server === undefined ? '' : `\n${instead(server)}`;
    throw new Ended(EXIT.locked, `${describeFailure(error)}${remedy}`);
  }
  return closing(store, use);
}

async function closing<T>(store: BytesStore, use: (store: BytesStore) => Promise<T>): Promise<T> {
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** What a command writes into memory is gone when it ends, and there is nothing to read. */
export function refuseMemory(url: string): void {
  if (!/^memory:/i.test(url)) return;
  throw new Ended(EXIT.misunderstood, 'memory: keeps nothing between commands: name a folder');
}
