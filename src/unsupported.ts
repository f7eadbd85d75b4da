import { HitError } from './errors.js';

/** What is typed and has its place but is not built yet, and what to do until it is. */
const REMEDIES = {
  'option maxMemoryBytes': 'leave it out, all values are kept in memory',
  'option readOnly': 'open the store without it, or read through "hitkv serve"',
  'option resident': 'leave it out, memory: and file: stores are always in memory',
} as const;

/** The answer to everything that this version types but cannot do. */
export function unsupported(what: keyof typeof REMEDIES): HitError {
  return new HitError('HIT_UNSUPPORTED', `${what} is not built yet: ${REMEDIES[what]}`);
}
