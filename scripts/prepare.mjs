import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Installs the locked packages of a folder, where they are not. What that prints goes to stderr. */
export function installLocked(folder) {
  runScript('install.mjs', folder);
}

/** Builds what changed since it was built, so that no figure is one of an older state; `rocksdb` asks for that storage too. */
export function buildHitkv({ rocksdb = false } = {}) {
  runScript('build.mjs', ...(rocksdb ? ['--rocksdb'] : []));
}

function runScript(name, ...args) {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: ['ignore', 2, 2] });
  // The script has said what is wrong. 2: it could not start.
  if (status !== 0) process.exit(2);
}
