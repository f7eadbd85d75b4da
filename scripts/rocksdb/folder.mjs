import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where this user's compiled RocksDBs are, shared by all clones on the machine. */
export function cacheFolder(env = process.env) {
  const base = env.XDG_CACHE_HOME;
  // The specification of XDG: a relative path there is to be ignored.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'hitkv', 'rocksdb');
}
