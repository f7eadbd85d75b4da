/** How many entries the targets speak of. */
export const TARGET_ENTRIES = 1_000_000;

/**
 * What hitkv has to reach: a number, or another contender's figure in the same run (`of`: its figure of another name), or
 * a share of that.
 */
const targets = [
  { figure: 'set', atLeast: 'lmdb' },
  { figure: 'batch', atLeast: 'lmdb' },
  { figure: 'getSync', atLeast: 'lmdb' },
  { figure: 'getMany', atLeast: 'lmdb' },
  { figure: 'scan', atLeast: 'lmdb' },
  { figure: 'open', atLeast: 3_000_000 },
  { figure: 'overwrite', atLeast: 'hitkv-uncompacted', share: 0.6 },
  // Compaction begins late in a short round; nothing of it is missing in two minutes.
  { figure: 'sustain', atLeast: 'hitkv-uncompacted', of: 'overwrite', share: 0.6 },
  { figure: 'sustainP99', atMost: 20 },
  { figure: 'sustainSpace', atMost: 100 },
  { figure: 'load', atLeast: 1_000_000 },
  { figure: 'dump', atLeast: 1_000_000 },
  { figure: 'verify', atLeast: 300 },
];

/** Judges the figures; `met` is null where one is missing or the run was not of the size that the targets speak of. */
export function judge(figures, entries) {
  return targets.map((target) => {
    const { figure, atLeast, atMost, of = figure, share = 1 } = target;
    const median = (id, contender) => figures.find((one) => one.id === id)?.contenders[contender]?.median;
    const actual = median(figure, 'hitkv');
    const limit = atLeast ?? atMost;
    const peer = typeof limit === 'number' ? limit : median(of, limit);
    const wanted = peer === undefined ? undefined : peer * share;
    const comparable = entries === TARGET_ENTRIES && actual !== undefined && wanted !== undefined;
    const met = atMost === undefined ? actual >= wanted : actual <= wanted;
    return { ...target, actual, wanted, met: comparable ? met : null };
  });
}
