#!/usr/bin/env node
// Sets up and builds the addon and dist/, each only when its sources changed.
import './setup/node-version.mjs';

const { build } = await import('./build/all.mjs');
const { endWithSignals } = await import('./run/command.mjs');
const { StepFailed } = await import('./run/step.mjs');

endWithSignals();
try {
  await build();
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
}
