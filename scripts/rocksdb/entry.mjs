import { createHash, randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

// An entry is a folder with the archive and a manifest. It appears by a rename, whole, and is never changed.
const MANIFEST = 'manifest.json';
const ARCHIVE = process.platform === 'win32' ? 'rocksdb.lib' : 'librocksdb.a';
const UNFINISHED = '.unfinished-';
const ABANDONED_MS = 60 * 60_000;

/** The folder of an entry that holds the archive: what ROCKSDB_LIB_DIR names. */
export function libraryFolder(entry) {
  return join(entry, 'lib');
}

/** The file that the crate made in its output folder. */
export function archiveIn(outDir) {
  return join(outDir, ARCHIVE);
}

/** Whether an entry of that name is there, whatever it is worth. */
export function entryExists(entry) {
  return existsSync(entry);
}

/** What is wrong with an entry, or nothing: it must hold what its manifest says, and that must be what is wanted. */
export function entryProblem(entry, parts) {
  let manifest;
  try {
    manifest = JSON.parse(readFileSync(join(entry, MANIFEST), 'utf8'));
  } catch {
    return 'its manifest cannot be read';
  }
  if (!isDeepStrictEqual(manifest?.parts, parts)) return 'it was made from something else';
  try {
    const { bytes, sha256 } = identityOf(join(libraryFolder(entry), ARCHIVE));
    if (bytes !== manifest.archive?.bytes) return `${ARCHIVE} does not have the size it was made with`;
    if (sha256 !== manifest.archive.sha256) return `${ARCHIVE} does not have the SHA-256 it was made with`;
  } catch {
    return `${ARCHIVE} cannot be read`;
  }
  return '';
}

/** Makes an entry of an archive. Where another has made it meanwhile and it is good, that one stays. */
export function storeEntry(entry, parts, archive) {
  const folder = dirname(entry);
  mkdirSync(folder, { recursive: true });
  removeAbandoned(folder);
  const made = join(folder, `${UNFINISHED}${randomBytes(6).toString('hex')}`);
  try {
    mkdirSync(libraryFolder(made), { recursive: true });
    const copy = join(libraryFolder(made), ARCHIVE);
    copyFileSync(archive, copy);
    const manifest = { parts, archive: identityOf(copy) };
    writeFileSync(join(made, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
    placeEntry(made, entry, parts);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function placeEntry(made, entry, parts) {
  try {
    renameSync(made, entry);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) throw error;
    if (entryProblem(entry, parts) === '') return;
    removeEntry(entry);
    renameSync(made, entry);
  }
}

/** Removes an entry so that at no time a part of it stands under its name. */
export function removeEntry(entry) {
  const aside = join(dirname(entry), `${UNFINISHED}${randomBytes(6).toString('hex')}`);
  renameSync(entry, aside);
  rmSync(aside, { recursive: true, force: true });
}

// What a kill between two steps has left. Copying takes a second, so an old one is nobody's.
function removeAbandoned(folder) {
  for (const name of readdirSync(folder).filter((each) => each.startsWith(UNFINISHED))) {
    const path = join(folder, name);
    if (Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > ABANDONED_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

function identityOf(file) {
  const content = readFileSync(file);
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}
