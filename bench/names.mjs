/** The contenders, in the order of the table and of each repetition. `lmdb-synced` only writes. */
export const contenderNames = ['map', 'lmdb', 'lmdb-synced', 'hitkv'];

/** The measurements, in the order in which they run. */
export const phaseNames = ['set', 'batch', 'getSync', 'get', 'getMany', 'scan', 'reopen', 'single', 'large'];

/** What each measurement yields, as the rows of the table. Figures are operations a second unless they say µs. */
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
  { id: 'singleP50', phase: 'single', title: '… median of one', unit: 'µs' },
  { id: 'largeSet', phase: 'large', title: 'random 1 KiB values: `set`' },
  { id: 'largeGetSync', phase: 'large', title: 'random 1 KiB values: `getSync`' },
];
