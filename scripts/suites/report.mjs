/** One line a suite: its name, its counts and how long it took. */
export function summaryLine({ name, counts, seconds, reason }) {
  const text = counted(counts.passed, counts.failed, counts.skipped.length);
  return `  ${name.padEnd(18)}${text.padEnd(40)}${seconds.toFixed(1).padStart(7)} s${reason ? `  ${reason}` : ''}`;
}

/** The sum of all suites as the last line says it. In CI what could not run is a failure. */
export function total(results, ci) {
  const sum = (of) => results.reduce((all, { counts }) => all + of(counts), 0);
  const skipped = sum((counts) => counts.skipped.length);
  const passed = sum((counts) => counts.passed);
  const failed = sum((counts) => counts.failed) + (ci ? skipped : 0);
  return { failed, line: counted(passed, failed, ci ? 0 : skipped) };
}

/** What did not run, by name. */
export function skippedLines(results, ci) {
  const all = results.flatMap(({ name, counts }) => counts.skipped.map((test) => `  ${name}: ${test}`));
  if (all.length === 0) return [];
  return [ci ? 'Could not run, which is a failure with CI=true:' : 'Did not run here:', ...all];
}

function counted(passed, failed, skipped) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
