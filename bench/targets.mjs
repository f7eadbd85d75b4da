/** How many entries the targets speak of. */
export const TARGET_ENTRIES = 1_000_000;

/** What hitkv has to reach: lmdb's figure in the same run, or a rate. */
const targets = [
  { figure: 'set', atLeast: 'lmdb' },
  { figure: 'batch', atLeast: 'lmdb' },
  { figure: 'getSync', atLeast: 'lmdb' },
  { figure: 'getMany', atLeast: 'lmdb' },
  { figure: 'scan', atLeast: 'lmdb' },
  { figure: 'open', atLeast: 3_000_000 },
];

/** Judges the figures; `met` is null where one is missing or the run was not of the size that the targets speak of. */
export function judge(figures, entries) {
  return targets.map(({ figure, atLeast }) => {
    const found = figures.find(({ id }) => id === figure)?.contenders;
    const actual = found?.hitkv?.median;
    const wanted = typeof atLeast === 'number' ? atLeast : found?.[atLeast]?.median;
    const comparable = entries === TARGET_ENTRIES && actual !== undefined && wanted !== undefined;
    return { figure, atLeast, actual, wanted, met: comparable ? actual >= wanted : null };
  });
}
