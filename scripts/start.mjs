#!/usr/bin/env node
// Sets up, builds what changed, and serves a store: `npm start`, `npm start -- --http 127.0.0.1:9000`,
// `npm start -- memory: --http off`. A store in RocksDB is built with it: `npm start -- rocksdb:./rocks`.
import './setup/node-version.mjs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const { build } = await import('./build/all.mjs');
const { endWithSignals } = await import('./run/command.mjs');
const { featuresOf } = await import('./run/features.mjs');
const { StepFailed } = await import('./run/step.mjs');
const { serveArguments } = await import('./run/serve-arguments.mjs');

const served = serveArguments(process.argv.slice(2));
const leaveSignals = endWithSignals();
try {
  await build(featuresOf(served[1]));
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exit(1);
}

// The server runs in this process, so that signals and the exit code are its own (and package.json starts us with
// `exec`: a shell between npm and us would die of a signal and leave the server behind).
leaveSignals();
const main = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'src', 'cli', 'main.js');
process.argv = [process.execPath, main, ...served];
await import(pathToFileURL(main).href);
