#!/usr/bin/env node
/** `node scripts/install.mjs <folder>`: the locked packages of a folder of this repository, without their scripts. */
import { join } from 'node:path';
import { installPackages } from './build/packages.mjs';
import { root } from './root.mjs';

const [folder = '.'] = process.argv.slice(2);
await installPackages({ folder: join(root, folder), scripts: false }).catch(() => {
  // The step has said why.
  process.exitCode = 1;
});
