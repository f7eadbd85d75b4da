/** What is missing and what mends it, as it is printed. */
export function describe({ missing, line, notes, installing, mayInstall }) {
  const width = Math.max(...missing.map(({ what }) => what.length));
  const lines = ['hitkv needs these to be built and tested, and this machine does not have them:', ''];
  for (const { what, problem } of missing) lines.push(`  ${what.padEnd(width)}  ${problem}`);
  lines.push('');
  if (installing) {
    lines.push('Installing them now, as this line would:', '', `  ${line}`, '');
    return lines.join('\n');
  }
  if (line) {
    lines.push('This line mends it:', '', `  ${line}`, '');
    if (mayInstall) lines.push('or let hitkv run it: node scripts/setup.mjs --yes', '');
  }
  if (notes.length > 0)
    lines.push(line ? 'This is left to you:' : 'Install what is missing and run the command again:', '');
  for (const note of notes) lines.push(`  ${note}`);
  return lines.join('\n').trimEnd();
}
