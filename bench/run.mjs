#!/usr/bin/env node
/**
 * `npm run bench`: hitkv beside other stores, in one run, interleaved, every result checked.
 *
 * Each measurement runs in a process of its own, so that no contender inherits another's heap. A repetition takes
 * every measurement once, contender after contender; the table shows medians over the repetitions.
 */
import { loadavg } from 'node:os';
import { buildHitkv, installLocked } from '../scripts/prepare.mjs';
import { readOptions, usage } from './options.mjs';

const options = readOptions(process.argv.slice(2));
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
installLocked('bench');
if (options.builds && options.contenders.some((name) => name.startsWith('hitkv')))
  buildHitkv({ rocksdb: options.buildsRocksdb });

// These need the packages, so they are loaded after the installation.
const { measureAll } = await import('./measurements.mjs');
const { describeMachine } = await import('./machine.mjs');
const { judge } = await import('./targets.mjs');
const { renderResults, writeJson } = await import('./results.mjs');

const [load] = loadavg();
if (load > 0.7)
  console.error(`bench: the load is ${load.toFixed(1)}, so something else is running; figures will suffer`);

const machine = describeMachine(options);
try {
  const results = await measureAll(options);
  const targets = judge(results.figures, options);
  console.log(renderResults(machine, options, results, targets));
  if (options.json) writeJson(options.json, { machine, options, ...results, targets });
  if (options.checkTargets && targets.some((target) => target.met !== true)) process.exitCode = 1;
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
