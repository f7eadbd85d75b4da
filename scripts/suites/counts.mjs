// From what a tool left behind to { passed, failed, skipped: [names] }. Each is strict: a tool that ended badly without
// a failed test, or that ran no test, is one failure, since nothing then says that anything works.

// A Rust test cannot skip itself. One that finds that it cannot run here writes this line to the standard error (not
// through the print macros, whose output a passing test hides) and returns: `[could not run] name of the test: why`.
const COULD_NOT_RUN = /\[could not run\] (.+)/g;

/** A tool that only passes or fails. */
export function countOne({ code }) {
  return code === 0 ? { passed: 1, failed: 0, skipped: [] } : { passed: 0, failed: 1, skipped: [] };
}

/** `cargo test`: every program of tests announces itself and ends with a result; one that has none has crashed. */
export function countCargo({ code, output }) {
  const programs = cargoPrograms(output);
  const total = { passed: 0, failed: 0, skipped: [] };
  for (const { results, crashed } of programs) {
    for (const [passed, failed, ignored] of results) {
      total.passed += passed;
      total.failed += failed;
      for (let n = 0; n < ignored; n++) total.skipped.push('an ignored Rust test');
    }
    if (crashed) total.failed += 1;
  }
  for (const [, reason] of output.matchAll(COULD_NOT_RUN)) {
    total.skipped.push(reason);
    total.passed -= 1;
  }
  return strict(total, code);
}

/** The parts of cargo's output that belong to failing programs of tests, or nothing where it did not come to any. */
export function cargoFailures(output) {
  return cargoPrograms(output)
    .filter(({ results, crashed }) => crashed || results.some(([, failed]) => failed > 0))
    .map(({ text }) => text.replace(/^test .* \.\.\. ok\n/gm, ''))
    .join('\n');
}

function cargoPrograms(output) {
  const [, ...programs] = output.split(
    /^(?= +(?:Running (?:unittests |tests\/|benches\/|examples\/)|Doc-tests ))/m,
  );
  return programs.map((text) => {
    const found = [...text.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm)];
    return {
      text,
      crashed: found.length === 0,
      results: found.map((numbers) => numbers.slice(1, 4).map(Number)),
    };
  });
}

/** Vitest's JSON report. A file that could not be loaded has failed without a test. */
export function countVitest({ code }, report) {
  const total = { passed: 0, failed: 0, skipped: [] };
  for (const file of report?.testResults ?? []) {
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') total.passed += 1;
      else if (status === 'failed') total.failed += 1;
      else total.skipped.push(fullName);
    }
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'))
      total.failed += 1;
  }
  return strict(total, code);
}

/** Node's own runner, in its `spec` form: the totals at the end, and the names of what was skipped. */
export function countNodeTest({ code, output }) {
  const number = (name) => Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const skipped = [...output.matchAll(/^\s*\S (.*) \([\d.]+ms\) # .+$/gmu)].map(([, name]) => name);
  return strict({ passed: number('pass'), failed: number('fail') + number('cancelled'), skipped }, code);
}

function strict(total, code) {
  const ran = total.passed + total.failed > 0;
  return (code !== 0 && total.failed === 0) || !ran ? { ...total, failed: total.failed + 1 } : total;
}
