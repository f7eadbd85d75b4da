import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A new folder, removed when the running test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hitkv-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Closes a store when the running test ends, before its folder is removed. */
export function closing<S extends { close(): Promise<void> }>(store: S): S {
  onTestFinished(() => store.close());
  return store;
}

/** A kind of store and how to get the URL of a new one, which is removed when the running test ends. */
export interface Kind {
  kind: string;
  url(): Promise<string>;
}

/** The kinds of store that the behaviour suites run against. */
export const kinds: readonly Kind[] = [
  { kind: 'memory:', url: async () => 'memory:' },
  { kind: 'file:', url: async () => `file:${join(await temporaryFolder(), 'store')}` },
  { kind: 'rocksdb:', url: async () => `rocksdb:${join(await temporaryFolder(), 'store')}` },
];

/** The kinds of them that are kept in a folder. */
export const kept = ['file:', 'rocksdb:'] as const;
