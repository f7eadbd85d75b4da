import { join, relative } from 'node:path';
import { root } from '../root.mjs';
import { runningLine } from '../run/line.mjs';
import { skippedLines, summaryLine, total } from './report.mjs';
import { suites } from './suites.mjs';

// All of it must end within an hour of the start of this process, also where something hangs.
const SUITE_TIMEOUT_MS = 25 * 60_000;
const DEADLINE_MS = 57 * 60_000;

/** Runs the suites (or those named) one after the other, whatever happens, and answers with the number of failures. */
export async function runSuites({ env, ci, names = [] }) {
  const all = suites({ ci });
  const unknown = names.filter((name) => !all.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    console.log(
      `no suite is called ${unknown.join(', ')}: there are ${all.map(({ name }) => name).join(', ')}`,
    );
    return 1;
  }
  const results = [];
  for (const suite of chosenSuites(all, names)) results.push(await runSuite(suite, { env, results }));
  console.log(['', ...results.map(summaryLine), ...skippedLines(results, ci)].join('\n'));
  const { failed, line } = total(results, ci);
  console.log(`\n${line}`);
  return failed;
}

/** All suites where none is named, else those named and what has to be prepared for them. */
export function chosenSuites(all, names) {
  if (names.length === 0) return all;
  const named = all.filter(({ name }) => names.includes(name));
  return all.filter(
    (suite) =>
      named.includes(suite) || (suite.prepares && named.some(({ needs }) => needs.includes(suite.name))),
  );
}

async function runSuite(suite, { env, results }) {
  const { name, needs } = suite;
  const failure = { passed: 0, failed: 1, skipped: [] };
  const broken = needs.find((need) =>
    results.some((result) => result.name === need && result.counts.failed > 0),
  );
  const remainingMs = DEADLINE_MS - performance.now();
  const reason = broken ? `not run: ${broken} failed` : remainingMs <= 0 ? 'not run: no time was left' : '';
  if (reason) {
    console.log(`${name} … ${reason}`);
    return { name, counts: failure, seconds: 0, reason };
  }

  const line = runningLine(name);
  const started = performance.now();
  const log = join(root, 'test-results', `${name.replaceAll(' ', '-')}.log`);
  const timeoutMs = Math.min(suite.timeoutMs ?? SUITE_TIMEOUT_MS, remainingMs);
  const result = await suite
    .run({ env, log, timeoutMs, line })
    .catch((error) => ({ code: 1, problem: error.stack, output: '' }));
  const counts = suite.count(result);
  const seconds = (performance.now() - started) / 1000;
  line.end(`${counts.failed > 0 ? 'FAILED after ' : ''}${seconds.toFixed(1)} s`);
  if (counts.failed > 0) {
    console.log(suite.details(result));
    if (result.problem) console.log(`${name}: ${result.problem}`);
    console.log(`(everything it printed: ${relative(root, log)})`);
  }
  return { name, counts, seconds, reason: result.problem };
}
