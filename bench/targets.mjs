/** How many entries the targets speak of, and how many of them those of the phase bulk. */
export const TARGET_ENTRIES = 1_000_000;
export const TARGET_BULK_ENTRIES = 10_000_000;

/** What other bindings of RocksDB are to be left behind by. */
const AHEAD = 1.3;

const FILES = 'hitkv';
const ROCKSDB = 'hitkv-rocksdb';
const ROCKSDB_SYNCED = 'hitkv-rocksdb-synced';

/**
 * What hitkv has to reach: a number, or another contender's figure in the same run (`of`: its figure of another name), or
 * a share of that. `ours`: which of its stores.
 */
const targets = [
  { ours: FILES, figure: 'set', atLeast: 'lmdb' },
  { ours: FILES, figure: 'batch', atLeast: 'lmdb' },
  { ours: FILES, figure: 'getSync', atLeast: 'lmdb' },
  { ours: FILES, figure: 'getMany', atLeast: 'lmdb' },
  { ours: FILES, figure: 'scan', atLeast: 'lmdb' },
  { ours: FILES, figure: 'open', atLeast: 3_000_000 },
  { ours: FILES, figure: 'overwrite', atLeast: 'hitkv-uncompacted', share: 0.6 },
  // Compaction begins late in a short round; nothing of it is missing in two minutes.
  { ours: FILES, figure: 'sustain', atLeast: 'hitkv-uncompacted', of: 'overwrite', share: 0.6 },
  { ours: FILES, figure: 'sustainP99', atMost: 20 },
  { ours: FILES, figure: 'sustainSpace', atMost: 100 },
  { ours: FILES, figure: 'load', atLeast: 1_000_000 },
  { ours: FILES, figure: 'dump', atLeast: 1_000_000 },
  { ours: FILES, figure: 'verify', atLeast: 300 },
  ...['set', 'batch', 'getSync', 'getMany', 'scan', 'openAndFill'].flatMap((figure) => [
    { ours: ROCKSDB, figure, atLeast: 'classic-level' },
    { ours: ROCKSDB, figure, atLeast: 'nxtedition-rocksdb', share: AHEAD },
    // It has no synchronous read, so its asynchronous one stands for that.
    {
      ours: ROCKSDB,
      figure,
      atLeast: 'rocksdb-native',
      share: AHEAD,
      ...(figure === 'getSync' && { of: 'get' }),
    },
  ]),
  { ours: ROCKSDB, figure: 'set', atLeast: 250_000 },
  { ours: ROCKSDB_SYNCED, figure: 'set', atLeast: 150_000 },
  { ours: ROCKSDB, figure: 'bulk', atLeast: 300_000 },
];

/**
 * Judges the figures of a run with so many `entries` and `bulkEntries`; `met` is null where a figure is missing or the run
 * was not of the size that the targets speak of.
 */
export function judge(figures, { entries, bulkEntries }) {
  return targets.map((target) => {
    const { ours, figure, atLeast, atMost, of = figure, share = 1 } = target;
    const median = (id, contender) => figures.find((one) => one.id === id)?.contenders[contender]?.median;
    const actual = median(figure, ours);
    const limit = atLeast ?? atMost;
    const peer = typeof limit === 'number' ? limit : median(of, limit);
    const wanted = peer === undefined ? undefined : peer * share;
    const rightSize = figure === 'bulk' ? bulkEntries === TARGET_BULK_ENTRIES : entries === TARGET_ENTRIES;
    const comparable = rightSize && actual !== undefined && wanted !== undefined;
    const met = atMost === undefined ? actual >= wanted : actual <= wanted;
    return { ...target, actual, wanted, met: comparable ? met : null };
  });
}
