import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.mjs';
import { runCommand } from '../run/command.mjs';
import { npmCommand } from '../run/npm.mjs';
import { step } from '../run/step.mjs';

/** Installs the packages that building and testing need, unless node_modules holds just those of the lock file. */
export async function installPackages({ force = false } = {}) {
  if (!force && packagesAreInstalled()) return;
  const [npm, args] = npmCommand([
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--fetch-timeout=60000',
  ]);
  await step('Installing npm packages', () => runCommand(npm, args, { timeoutMs: 15 * 60_000 }));
}

function packagesAreInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  return matchesLock(read(join(root, 'package-lock.json')), read(installed));
}

/** Whether what npm notes as installed is what the lock file asks for; optional packages (of other platforms) may be absent. */
export function matchesLock(locked, installed) {
  const wanted = Object.entries(locked).filter(([path]) => path !== '');
  const same = ([path, entry]) =>
    installed[path]
      ? installed[path].integrity === entry.integrity
      : entry.optional || entry.peer || entry.devOptional;
  return wanted.every(same) && Object.keys(installed).every((path) => path in locked);
}
