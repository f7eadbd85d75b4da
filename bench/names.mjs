/**
 * The tables of the results: whom each is about, who is in it, and whom ours is divided by. `…-synced` only writes;
 * `hitkv-uncompacted` is hitkv without its compaction, for what that costs.
 */
export const tables = [
  {
    title: 'Reads from memory',
    ours: 'hitkv',
    contenders: ['map', 'lmdb', 'lmdb-synced', 'hitkv', 'hitkv-uncompacted'],
    peers: ['lmdb', 'map'],
  },
  {
    title: 'More data than memory',
    ours: 'hitkv-rocksdb',
    contenders: [
      ...['classic-level', 'classic-level-synced', 'nxtedition-rocksdb', 'rocksdb-native'],
      ...['hitkv-rocksdb', 'hitkv-rocksdb-synced'],
    ],
    peers: ['classic-level', 'nxtedition-rocksdb', 'rocksdb-native'],
  },
];

/** The contenders, in the order of the tables and of each repetition. */
export const contenderNames = tables.flatMap(({ contenders }) => contenders);

/** The measurements, in the order in which they run. */
export const phaseNames = [
  ...['set', 'batch', 'getSync', 'get', 'getMany', 'scan', 'reopen', 'single', 'large'],
  ...['overwrite', 'sustain', 'load', 'dump', 'verify', 'bulk'],
];

/**
 * What each measurement yields, as the rows of the table. Figures are operations a second unless they have a unit;
 * `less`: the smaller the better.
 */
export const figures = [
  { id: 'set', phase: 'set', title: '`set` each, awaited by thousands, ten groups in flight' },
  { id: 'batch', phase: 'batch', title: '`batch` of 1,000, ten in flight (entries)' },
  { id: 'getSync', phase: 'getSync', title: '`getSync`, random keys' },
  { id: 'get', phase: 'get', title: '`get`, random keys, 1,000 in flight' },
  { id: 'getMany', phase: 'getMany', title: '`getMany(100)`, random keys (keys)' },
  { id: 'scan', phase: 'scan', title: 'ordered scan (entries)' },
  { id: 'open', phase: 'reopen', title: 'open (entries)' },
  { id: 'openAndFill', phase: 'reopen', title: 'open and fill a `Map` (entries)' },
  { id: 'singleRate', phase: 'single', title: 'one awaited `set` after another' },
  { id: 'singleP50', phase: 'single', title: '… median of one', unit: 'µs', less: true },
  { id: 'largeSet', phase: 'large', title: 'random 1 KiB values: `set`' },
  { id: 'largeGetSync', phase: 'large', title: 'random 1 KiB values: `getSync`' },
  { id: 'overwrite', phase: 'overwrite', title: 'overwriting random keys, in short rounds' },
  { id: 'sustain', phase: 'sustain', title: 'overwriting random keys, once and long' },
  { id: 'sustainP99', phase: 'sustain', title: '… p99 of a `set` awaited meanwhile', unit: 'ms', less: true },
  {
    id: 'sustainSpace',
    phase: 'sustain',
    title: '… most space taken, of 3 × live data + 4 segments',
    unit: '%',
    less: true,
  },
  { id: 'load', phase: 'load', title: '`load` of NDJSON (entries)' },
  { id: 'dump', phase: 'dump', title: '`dump` as NDJSON (entries)' },
  { id: 'verify', phase: 'verify', title: '`verify`', unit: 'MB/s' },
  { id: 'bulk', phase: 'bulk', title: 'random 16-byte keys, 100-byte values, by `batch` of 1,000 (entries)' },
];
