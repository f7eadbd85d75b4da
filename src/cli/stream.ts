import type { Stats } from 'node:fs';

/** Whether it is a pipe or a device: reading or writing may wait for another program, and nothing can call that back. */
export function isStream(found: Stats): boolean {
  return !found.isFile() && !found.isDirectory();
}
