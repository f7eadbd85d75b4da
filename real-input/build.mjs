import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CannotStart } from './options.mjs';

const script = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url));

/** Builds what changed since it was built. */
export function buildHitkv() {
  const { status } = spawnSync(process.execPath, [script], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new CannotStart('hitkv was not built');
}
