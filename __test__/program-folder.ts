import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './place.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A folder of a program that has hitkv, as built here, among its packages. */
export async function programFolder(): Promise<string> {
  if (!existsSync(join(root, 'dist', 'index.js'))) {
    throw new Error('the examples run on the built package, and dist/ is not there: npm run build');
  }
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules', 'hitkv'), 'junction');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}
