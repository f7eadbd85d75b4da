/**
 * The contenders. Each has `load(job)`, which returns `open(folder)`; what that returns has the operations of
 * `phases/`, each doing what the product's own documentation tells a user to do. An operation that is not there is
 * left out of the table. `keepsFiles`: the store can be filled once and opened by other processes. `phases`: the only
 * ones it takes part in.
 */
import { phaseNames } from '../names.mjs';
import * as hitkv from './hitkv.mjs';
import * as lmdb from './lmdb.mjs';
import * as map from './map.mjs';

const UPKEEP = ['overwrite', 'sustain', 'load', 'dump', 'verify'];
const COMPARED = ['fill', ...phaseNames.filter((phase) => !UPKEEP.includes(phase))];

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
    phases: ['set', 'batch', 'single', 'large'],
  },
  hitkv: { load: (job) => hitkv.load(job, {}), keepsFiles: true },
  'hitkv-uncompacted': {
    load: (job) => hitkv.load(job, { compaction: false }),
    keepsFiles: true,
    phases: ['overwrite'],
  },
};
