#!/usr/bin/env node
// Checks that everything needed to build and test hitkv is there, and installs it as root or with --yes.
import './setup/node-version.mjs';

const { ensureSetup } = await import('./setup/ensure.mjs');
const { StepFailed } = await import('./run/step.mjs');

const unknown = process.argv.slice(2).filter((argument) => argument !== '--yes');
if (unknown.length > 0) {
  console.error(
    `setup does not know ${unknown.join(' ')}: it takes --yes, which allows it to install what is missing`,
  );
  process.exit(2);
}
try {
  const { toolchain } = await ensureSetup('test', { yes: process.argv.includes('--yes') });
  console.log(
    `Everything is there: Node.js ${process.versions.node}, Rust ${toolchain.rustc} in ${toolchain.place}`,
  );
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
}
