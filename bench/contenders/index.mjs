/**
 * The contenders. Each has `load(job)`, which returns `open(folder, { binary })`; what that returns has the operations of
 * `phases/`, each doing what the product's own documentation tells a user to do. An operation that is not there is
 * left out of the table. `keepsFiles`: the store can be filled once and opened by other processes. `phases`: the only
 * ones it takes part in. What cannot run on this machine throws `Unavailable`.
 */
import { phaseNames } from '../names.mjs';
import * as classicLevel from './classic-level.mjs';
import * as hitkv from './hitkv.mjs';
import * as lmdb from './lmdb.mjs';
import * as map from './map.mjs';
import * as nxtedition from './nxtedition-rocksdb.mjs';
import * as rocksdbNative from './rocksdb-native.mjs';

/** What the other stores are measured in too; the rest is hitkv's own upkeep, and a long load for the large ones. */
const UPKEEP = ['overwrite', 'sustain', 'load', 'dump', 'verify', 'bulk'];
const COMPARED = ['fill', ...phaseNames.filter((phase) => !UPKEEP.includes(phase))];
const ON_DISK = ['fill', 'set', 'batch', 'getSync', 'get', 'getMany', 'scan', 'reopen', 'single', 'bulk'];
const SYNCED = ['set', 'batch', 'single'];

export const contenders = {
  map: {
    load: map.load,
    keepsFiles: false,
    phases: ['set', 'batch', 'getSync', 'getMany', 'scan', 'single', 'large'],
  },
  lmdb: { load: () => lmdb.load({}), keepsFiles: true, phases: COMPARED },
  'lmdb-synced': {
    load: () => lmdb.load({ overlappingSync: false }),
    keepsFiles: true,
    phases: [...SYNCED, 'large'],
  },
  hitkv: {
    load: (job) => hitkv.load(job, {}),
    keepsFiles: true,
    phases: ['fill', ...phaseNames.filter((phase) => phase !== 'bulk')],
  },
  'hitkv-uncompacted': {
    load: (job) => hitkv.load(job, { compaction: false }),
    keepsFiles: true,
    phases: ['overwrite'],
  },
  'classic-level': {
    load: () => classicLevel.load({ sync: false }),
    keepsFiles: true,
    phases: ON_DISK,
  },
  'classic-level-synced': {
    load: () => classicLevel.load({ sync: true }),
    keepsFiles: true,
    phases: SYNCED,
  },
  'nxtedition-rocksdb': { load: nxtedition.load, keepsFiles: true, phases: ON_DISK },
  'rocksdb-native': {
    load: rocksdbNative.load,
    keepsFiles: true,
    phases: ON_DISK.filter((phase) => phase !== 'getSync'),
  },
  'hitkv-rocksdb': {
    load: (job) => hitkv.loadRocksdb(job, 'os'),
    keepsFiles: true,
    phases: ON_DISK,
  },
  'hitkv-rocksdb-synced': {
    load: (job) => hitkv.loadRocksdb(job, 'disk'),
    keepsFiles: true,
    phases: SYNCED,
  },
};
