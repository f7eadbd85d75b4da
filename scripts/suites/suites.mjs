import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from '../build/addon.mjs';
import { buildDist, typescript } from '../build/dist.mjs';
import { filesUnder } from '../build/freshness.mjs';
import { ensureRocksdb } from '../rocksdb/ensure.mjs';
import { root } from '../root.mjs';
import { runCommand } from '../run/command.mjs';
import { tail } from '../run/step.mjs';
import { cargoFailures, countCargo, countNodeTest, countOne, countVitest } from './counts.mjs';

const DETAIL_LINES = 120;
// On one core it takes twice the quarter of an hour that it takes on two.
const ROCKSDB_TIMEOUT_MS = 40 * 60_000;

/**
 * Every suite in the order they run, quick ones first. `run` answers as `runCommand` does, `count` turns that into
 * counts, `details` into what is printed of a failure, `needs` names suites whose failure makes this one meaningless, and
 * `prepares` says that a suite runs too where only one that needs it was asked for.
 */
export function suites({ ci }) {
  // The lock file is what is tested in CI; elsewhere a dependency just added may still be missing in it.
  const locked = ci ? ['--locked'] : [];
  // Every storage, so that all are compiled with the same features and few crates twice.
  const workspace = ['--release', '--workspace', '--all-features', ...locked];
  const warnings = ['--all-targets', '--', '-D', 'warnings'];
  return [
    suite('rustfmt', cargo('fmt', '--all', '--check', '--', '--color', 'never')),
    suite('biome', program('@biomejs/biome/bin/biome', 'ci', '--colors=off')),
    suite(
      'scripts',
      node('--test', '--test-reporter=spec', ...['scripts', 'bench'].flatMap(nodeTests)),
      countNodeTest,
    ),
    suite('docs', node('scripts/docs.mjs', '--check')),
    suite('dependency rule', node('scripts/dependency-rule.mjs')),
    { ...suite('rocksdb', ensureRocksdb), prepares: true, timeoutMs: ROCKSDB_TIMEOUT_MS },
    {
      ...suite('cargo test', cargo('test', ...workspace, '--no-fail-fast'), countCargo),
      details: cargoDetails,
      needs: ['rocksdb'],
    },
    { ...suite('clippy', cargo('clippy', ...workspace, ...warnings)), needs: ['rocksdb'] },
    // The addon as `npm start` builds it; clippy has checked all that it depends on outside the workspace.
    suite('clippy default', cargo('clippy', '--release', '--package', 'hit-node', ...locked, ...warnings)),
    {
      ...suite('addon', (options) => buildAddon({ ...options, features: ['rocksdb'] })),
      needs: ['rocksdb'],
    },
    suite('one rocksdb', node('scripts/one-rocksdb.mjs')),
    { ...suite('types', types), needs: ['addon'] },
    { ...suite('package build', buildDist), needs: ['addon'] },
    // Its child processes, and the command line, run the built package.
    { ...vitest('vitest', 'vitest.config.ts'), needs: ['addon', 'package build'] },
    { ...vitest('vitest package', 'vitest.package.config.ts'), needs: ['package build'] },
  ];
}

function nodeTests(folder) {
  return filesUnder(folder, /\.test\.mjs$/);
}

function suite(name, run, count = countOne) {
  return { name, run, count, needs: [], details: ({ output }) => tail(output, DETAIL_LINES) };
}

function cargo(...args) {
  return (options) => runCommand('cargo', args, options);
}

function node(...args) {
  return (options) => runCommand(process.execPath, args, options);
}

/** A program of an npm package. */
function program(file, ...args) {
  return node(join(root, 'node_modules', file), ...args);
}

function cargoDetails({ output }) {
  return tail(cargoFailures(output) || output, DETAIL_LINES);
}

/** The sources with their tests, then the tests of the package against its sources' types. */
async function types(options) {
  const first = await runCommand(process.execPath, [typescript, '--project', 'tsconfig.test.json'], options);
  if (first.code !== 0) return first;
  return runCommand(process.execPath, [typescript, '--project', 'tsconfig.package.json'], options);
}

function vitest(name, config) {
  const file = join(root, 'test-results', `${name.replaceAll(' ', '-')}.json`);
  const run = (options) => {
    rmSync(file, { force: true });
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    return program('vitest/vitest.mjs', 'run', '--config', config, ...reporters)(options);
  };
  return suite(name, run, (result) => countVitest(result, readReport(file)));
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
