#!/usr/bin/env node
// `npm run rocksdb`: sets up, compiles RocksDB into the user's cache unless it is there, and lets cargo use it in this clone.
import './setup/node-version.mjs';

const { ensureRocksdb } = await import('./rocksdb/ensure.mjs');
const { endWithSignals } = await import('./run/command.mjs');
const { step, StepFailed } = await import('./run/step.mjs');
const { ensureSetup } = await import('./setup/ensure.mjs');

endWithSignals();
try {
  const { env } = await ensureSetup('start', { features: ['rocksdb'] });
  await step('Looking for RocksDB', (line) => ensureRocksdb({ env, line }));
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
}
