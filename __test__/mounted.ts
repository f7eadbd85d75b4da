import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './place.js';

/** Why this process cannot mount a file system of its own; undefined where it can. */
export function cannotMount(): string | undefined {
  if (process.platform !== 'linux') return `it mounts a tmpfs, which ${process.platform} does not have`;
  if (process.getuid?.() !== 0) return 'it mounts a tmpfs, which needs root';
  return undefined;
}

/** A new tmpfs of that many bytes, unmounted when the running test ends. */
export async function smallDisk(bytes: number): Promise<string> {
  const folder = `${await temporaryFolder()}/disk`;
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  onTestFinished(() => {
    // Lazily: a store that a failed test has left open must not keep the others from cleaning up.
    execFileSync('umount', ['-l', folder]);
  });
  return folder;
}

/** Makes a mounted file system read-only, or writable again. */
export function remount(folder: string, mode: 'ro' | 'rw'): void {
  execFileSync('mount', ['-o', `remount,${mode}`, folder]);
}
