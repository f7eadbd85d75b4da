import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.mjs';
import { runCommand } from '../run/command.mjs';
import { npmCommand } from '../run/npm.mjs';
import { step } from '../run/step.mjs';

/**
 * Installs the locked packages of a folder, by default those that building and testing need, unless its node_modules
 * holds just them. `scripts: false` runs none of the packages' own.
 */
export async function installPackages({ folder = root, scripts = true, force = false } = {}) {
  if (!force && packagesAreInstalled(folder)) return;
  const [npm, args] = npmCommand([
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--fetch-timeout=60000',
    ...(scripts ? [] : ['--ignore-scripts']),
  ]);
  await step('Installing npm packages', () => runCommand(npm, args, { cwd: folder, timeoutMs: 15 * 60_000 }));
}

function packagesAreInstalled(folder) {
  const installed = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const read = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  return matchesLock(read(join(folder, 'package-lock.json')), read(installed));
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
