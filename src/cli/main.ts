#!/usr/bin/env node
/** The program `hitkv`. */
import { EXIT } from './exit-codes.js';
import { run } from './program.js';

// Who writes hears of a failure; without these a reader that goes away (`hitkv … | head`) would be a crash.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

// Should the event loop run dry before a command has answered, that is no success.
process.exitCode = EXIT.failed;

run(process.argv.slice(2)).then((exitCode) => {
  // Not process.exit(): what is still being written to a pipe is written.
  process.exitCode = exitCode;
});
