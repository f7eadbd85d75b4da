/**
 * The measurements. `run(contender, job)` returns its figures by name and throws where a result is wrong.
 * `readsFilled`: it reads the store that was filled before the first repetition, and leaves it as it is.
 * `once`: it is so long that it runs in the first repetition only.
 */
import { bulk } from './bulk.mjs';
import { large } from './large.mjs';
import { overwrite, sustain } from './overwrite.mjs';
import { get, getMany, getSync, scan } from './reads.mjs';
import { reopen } from './reopen.mjs';
import { single } from './single.mjs';
import { dump, load } from './text.mjs';
import { verify } from './verify.mjs';
import { batch, set } from './writes.mjs';

export const phases = {
  set: { run: set },
  batch: { run: batch },
  getSync: { run: getSync, readsFilled: true },
  get: { run: get, readsFilled: true },
  getMany: { run: getMany, readsFilled: true },
  scan: { run: scan, readsFilled: true },
  reopen: { run: reopen, readsFilled: true },
  single: { run: single },
  large: { run: large },
  overwrite: { run: overwrite },
  sustain: { run: sustain, once: true },
  load: { run: load },
  dump: { run: dump, readsFilled: true },
  verify: { run: verify },
  bulk: { run: bulk, once: true },
};
