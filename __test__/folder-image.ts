import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Every file of a folder and its bytes, in hex where short; two images are equal when nothing was changed. */
export function folderImage(folder: string): Record<string, string> {
  const image: Record<string, string> = {};
  for (const path of filesOf(folder)) image[relative(folder, path)] = readFileSync(path).toString('base64');
  return image;
}

/** The paths of all files of a folder, in order. */
export function filesOf(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

/** The segments of a store's log, in order. */
export function segmentsOf(folder: string): string[] {
  return filesOf(folder).filter((path) => /\d{8}\.log$/.test(path));
}
