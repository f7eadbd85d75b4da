#!/usr/bin/env node
// Sets up and runs every suite, or those named: `npm test -- "cargo test" vitest`. The last line adds all of them up.
import './setup/node-version.mjs';

const { installPackages } = await import('./build/packages.mjs');
const { endWithSignals } = await import('./run/command.mjs');
const { StepFailed } = await import('./run/step.mjs');
const { ensureSetup } = await import('./setup/ensure.mjs');
const { runSuites } = await import('./suites/run.mjs');

endWithSignals();
const ci = /^(1|true)$/i.test(process.env.CI ?? '');
const names = process.argv.slice(2);
let failed = 1;
try {
  const { env, toolchain } = await ensureSetup('test');
  console.log(`Node.js ${process.versions.node}, Rust ${toolchain.rustc} in ${toolchain.place}`);
  await installPackages();
  failed = await runSuites({ env, ci, names });
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  console.log(`\nNothing was tested: ${error.message} failed.\n\n0 passed, 1 failed`);
}
process.exitCode = failed > 0 ? 1 : 0;
