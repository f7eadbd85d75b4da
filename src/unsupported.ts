import { HitError } from './errors.js';

/** What is typed and has its place but is not built yet, and what to do until it is. */
const REMEDIES = {
  'backup()': 'close the store and copy its folder',
  'compact()': 'copy entries() into a new store with setMany() to give space back',
  'dump()': 'walk entries() and write what you need',
  'load()': 'write the entries with setMany()',
  'refresh()': 'leave it out, every read sees the newest entries',
  'verify()': 'open the store, which checks every frame of its log',
  'option maxMemoryBytes': 'leave it out, all values are kept in memory',
  'option readOnly': 'open the store without it, or read through "hitkv serve"',
  'option resident': 'leave it out, memory: and file: stores are always in memory',
} as const;

/** The answer to everything that this version types but cannot do. */
export function unsupported(what: keyof typeof REMEDIES): HitError {
  return new HitError('HIT_UNSUPPORTED', `${what} is not built yet: ${REMEDIES[what]}`);
}
