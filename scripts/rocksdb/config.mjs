import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../root.mjs';

const MARK =
  '# Written by scripts/rocksdb/config.mjs, and again by every build: this machine’s compiled RocksDB.';

/** The part of cargo's configuration that makes the crate link a library instead of compiling one. */
export function configText(libraryFolder) {
  return [
    MARK,
    '[env]',
    `ROCKSDB_LIB_DIR = ${JSON.stringify(libraryFolder)}`,
    'ROCKSDB_STATIC = "1"',
    '',
  ].join('\n');
}

/**
 * Writes .cargo/config.toml, which git ignores. cargo reads it wherever it was started from: by these scripts, by hand, by
 * an editor. So one file does, and no command needs an environment. A variable that is set wins over it.
 *
 * @throws where somebody's own configuration stands in its place and does not name the library.
 */
export function writeConfig(libraryFolder, folder = root) {
  const file = join(folder, '.cargo', 'config.toml');
  const text = configText(libraryFolder);
  const present = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (present === text) return;
  if (present !== undefined && !present.startsWith(MARK)) {
    if (present.includes(JSON.stringify(libraryFolder))) return;
    const [, ...lines] = text.trimEnd().split('\n');
    throw new Error(`${file} is your own, so it stays as it is. It needs these lines:\n${lines.join('\n')}`);
  }
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, file);
}
