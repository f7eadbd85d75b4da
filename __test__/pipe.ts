import { execFileSync } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './place.js';

/** Why there can be no named pipe here. */
export const noPipes = process.platform === 'win32' ? 'Windows has no named pipes with a path' : undefined;

/** A named pipe, whose other side the test holds: a call on it cannot end before the test lets it. */
export async function namedPipe(name: string): Promise<{ path: string; side: FileHandle }> {
  const path = `${await temporaryFolder()}/${name}`;
  execFileSync('mkfifo', [path]);
  // Open for both, it waits for nobody and has no end.
  const side = await open(path, 'r+');
  onTestFinished(() => side.close().catch(() => {}));
  return { path, side };
}
