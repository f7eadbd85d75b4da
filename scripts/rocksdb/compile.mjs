import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../run/command.mjs';
import { compileEnvironment } from './flags.mjs';
import { CRATE } from './source.mjs';

const LOOK_MS = 1_000;

/**
 * Lets cargo compile the locked crate in `folder`, with no flags of ours, and answers as `runCommand` does, with the
 * crate's output folder as `outDir`. Two at once in the same folder: cargo's own lock lets the second wait, and it finds
 * everything made. `elsewhere` is asked every second; once it says yes the compilation is of no use and ends.
 */
export async function compile({ source, folder, env, line, elsewhere, timeoutMs, log }) {
  const started = performance.now();
  const stop = new AbortController();
  const timer = setInterval(() => {
    if (stop.signal.aborted) return;
    if (elsewhere()) return stop.abort();
    const minutes = Math.floor((performance.now() - started) / 60_000);
    line.show(`${objectFiles(folder, source.target)} of ${source.files} files, ${minutes} min`);
  }, LOOK_MS);
  const args = ['build', '--release', '--package', CRATE, '--target', source.target, '--target-dir', folder];
  const options = { env: compileEnvironment(env, source), timeoutMs, log, signal: stop.signal };
  const result = await runCommand(
    'cargo',
    [...args, '--message-format', 'json-render-diagnostics'],
    options,
  ).finally(() => clearInterval(timer));
  const outDir = outputFolder(result.output);
  if (result.code === 0 && !outDir) {
    return { ...result, code: 1, problem: `cargo did not say where ${CRATE} put its output` };
  }
  // Of what cargo prints only sentences are for people.
  return { ...result, outDir, output: result.output.replace(/^\{.*\n/gm, '') };
}

/** The crate's output folder from cargo's messages. */
export function outputFolder(output) {
  const messages = output.split('\n').filter((text) => text.startsWith('{"reason":"build-script-executed"'));
  return messages.map((text) => JSON.parse(text)).find(({ package_id: id }) => id.includes(`${CRATE}@`))
    ?.out_dir;
}

/** How many of RocksDB's files have been compiled. */
function objectFiles(folder, target) {
  const builds = join(folder, target, 'release', 'build');
  return list(builds)
    .filter((name) => name.startsWith(`${CRATE}-`))
    .flatMap((name) => list(join(builds, name, 'out')))
    .filter((name) => name.endsWith('.o')).length;
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
