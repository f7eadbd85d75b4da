#!/usr/bin/env node
// Sets up and builds the addon and dist/, each only when its sources changed. --rocksdb and --no-rocksdb say whether the
// addon has RocksDB; without either it stays as it is.
import './setup/node-version.mjs';

const { addon } = await import('./build/addon.mjs');
const { build } = await import('./build/all.mjs');
const { endWithSignals } = await import('./run/command.mjs');
const { requestedFeatures } = await import('./run/features.mjs');
const { StepFailed } = await import('./run/step.mjs');

const { features, unknown } = requestedFeatures(process.argv.slice(2), process.env, addon.features());
if (unknown !== undefined) {
  console.error(`build does not know ${unknown}: it takes --rocksdb or --no-rocksdb`);
  process.exit(2);
}
endWithSignals();
try {
  await build(features, { exactly: true });
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
}
