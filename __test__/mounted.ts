import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './place.js';

const isRoot = process.getuid?.() === 0;
let why: string | undefined | null = null;

/** Why this process cannot mount a file system of its own; undefined where it can. It has tried. */
export function cannotMount(): string | undefined {
  if (why !== null) return why;
  if (process.platform !== 'linux') why = `it mounts a tmpfs, which ${process.platform} does not have`;
  else why = tryToMount();
  if (why) process.stderr.write(`not tested here: what needs a small disk of its own; ${why}\n`);
  return why;
}

function tryToMount(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'hitkv-mount-'));
  try {
    mount(folder, 65_536);
    unmount(folder);
    return undefined;
  } catch (error) {
    const reason = (error as Error).message.trim().split('\n').at(-1);
    return `it mounts a tmpfs, which needs root, or sudo without a password, and CAP_SYS_ADMIN: ${reason}`;
  } finally {
    rmdirSync(folder);
  }
}

/** A new tmpfs of that many bytes, unmounted when the running test ends. */
export async function smallDisk(bytes: number): Promise<string> {
  const folder = `${await temporaryFolder()}/disk`;
  await mkdir(folder);
  mount(folder, bytes);
  onTestFinished(() => unmount(folder));
  return folder;
}

/** Makes a mounted file system read-only, or writable again. */
export function remount(folder: string, mode: 'ro' | 'rw'): void {
  privileged('mount', '-o', `remount,${mode}`, folder);
}

function mount(folder: string, bytes: number): void {
  privileged('mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=0777`, 'tmpfs', folder);
}

function unmount(folder: string): void {
  // Lazily: a store that a failed test has left open must not keep the others from cleaning up.
  privileged('umount', '-l', folder);
}

function privileged(...command: [string, ...string[]]): void {
  const [program, ...args] = isRoot ? command : ['sudo', '-n', ...command];
  execFileSync(program as string, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
