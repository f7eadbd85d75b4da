import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CRATE } from '../rocksdb/source.mjs';

/**
 * What cargo compiled of RocksDB below a target folder, where nothing may be: the one in the user's cache is linked in every
 * profile, and each compilation more costs 10 to 15 minutes. One line for each, with its remedy.
 */
export function compiledRocksdbs(target) {
  return buildFolders(target)
    .flatMap((folder) => list(folder).map(({ name }) => join(folder, name)))
    .filter((folder) => relative(join(folder, '..'), folder).startsWith(`${CRATE}-`))
    .filter((folder) => list(join(folder, 'out')).some(({ name }) => /\.(o|obj|a|lib)$/.test(name)))
    .map(
      (folder) =>
        `${folder} holds a RocksDB of its own, and the one in the cache is to be used: cargo clean -p ${CRATE}, then npm run rocksdb`,
    );
}

/** `build` folders as cargo lays them out: of a profile, or of a target's profile. */
function buildFolders(target) {
  const profiles = folders(target).flatMap((first) => [first, ...folders(first)]);
  return profiles.map((profile) => join(profile, 'build'));
}

function folders(parent) {
  return list(parent)
    .filter(
      (entry) => entry.isDirectory() && !['build', 'deps', 'incremental', 'examples'].includes(entry.name),
    )
    .map(({ name }) => join(parent, name));
}

function list(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
