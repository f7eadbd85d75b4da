import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './compile.mjs';
import { writeConfig } from './config.mjs';
import { archiveIn, entryExists, entryProblem, libraryFolder, removeEntry, storeEntry } from './entry.mjs';
import { cacheFolder } from './folder.mjs';
import { keyOf, keyParts } from './key.mjs';
import { rocksdbSource, rocksdbVersion } from './source.mjs';

const DONE = { code: 0, output: '', problem: '' };

/**
 * Sees to it that a compiled RocksDB is in the user's cache and that cargo uses it in this clone. Answers as `runCommand`
 * does; `line` is where it shows how far it is.
 */
export async function ensureRocksdb({ env = process.env, line, timeoutMs, log }) {
  if (env.ROCKSDB_LIB_DIR) {
    line.note(`RocksDB is the one in ${env.ROCKSDB_LIB_DIR}, since ROCKSDB_LIB_DIR says so`);
    return DONE;
  }
  const source = rocksdbSource(env);
  const parts = keyParts({ source, env });
  const entry = join(cacheFolder(env), keyOf(parts));
  const result = await ensureEntry({ entry, parts, source, env, line, timeoutMs, log });
  if (result.code === 0) writeConfig(libraryFolder(entry));
  return result;
}

/** Compiles where there is no good entry yet. */
export async function ensureEntry({ entry, parts, source, line, ...options }) {
  const present = () => entryExists(entry) && entryProblem(entry, parts) === '';
  if (present()) return DONE;
  if (entryExists(entry)) {
    line.note(`RocksDB in ${entry} is not used (${entryProblem(entry, parts)}) and is compiled again`);
    removeEntry(entry);
  }
  line.note(
    `RocksDB ${rocksdbVersion(source.version)} is compiled once for this machine, into ${entry}: 10 to 15 minutes on two cores`,
  );
  const folder = `${entry}.building`;
  const elsewhere = () => {
    const made = entryExists(entry);
    if (made) line.note('another build has made it meanwhile');
    return made;
  };
  const result = await compile({ source, folder, line, elsewhere, ...options });
  // Another clone may have been first, also while this one copies: it then takes the folder away.
  if (!present()) {
    if (result.code !== 0) return result;
    try {
      storeEntry(entry, parts, archiveIn(result.outDir));
    } catch (error) {
      if (!present()) throw error;
    }
  }
  // Whoever waits in there for cargo's lock sees the entry and gives up.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  return DONE;
}
