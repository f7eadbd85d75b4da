import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url));

/** Builds what changed since it was built, so that no figure is one of an older state. */
export function buildHitkv() {
  const { status } = spawnSync(process.execPath, [script], { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error('bench: hitkv was not built');
  process.exit(2);
}
