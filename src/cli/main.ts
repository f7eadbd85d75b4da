#!/usr/bin/env node
/** The program `hitkv`. */
import { run } from './program.js';

// A reader that goes away (`hitkv … | head`) is no reason to stop serving.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

run(process.argv.slice(2)).then((exitCode) => {
  // Not process.exit(): what is still being written to a pipe is written.
  process.exitCode = exitCode;
});
