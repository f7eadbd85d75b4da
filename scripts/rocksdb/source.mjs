import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../root.mjs';

/** The crate that brings RocksDB's C++ sources and compiles them in its build script. */
export const CRATE = 'librocksdb-sys';

// What else goes into the archive: RocksDB is compiled against the headers of this crate.
const WITH_HEADERS_OF = 'lz4-sys';

/**
 * The locked sources as plain data: version and checksum of the crates that go into the archive, the features that the
 * workspace asks for, and how many files are compiled. cargo downloads them if it must.
 */
export function rocksdbSource(env) {
  const target = hostTriple(env);
  const metadata = JSON.parse(
    execFileSync('cargo', ['metadata', '--format-version', '1', '--filter-platform', target], {
      cwd: root,
      env,
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const found = metadata.packages.find(({ name }) => name === CRATE);
  if (!found) throw new Error(`no crate of the workspace depends on ${CRATE}`);
  const { features } = metadata.resolve.nodes.find(({ id }) => id === found.id);
  const locked = readFileSync(join(root, 'Cargo.lock'), 'utf8');
  return {
    target,
    version: found.version,
    checksums: [CRATE, WITH_HEADERS_OF].map((name) => checksumOf(name, locked)),
    features: [...features].sort(),
    files: countFiles(readFileSync(join(dirname(found.manifest_path), 'rocksdb_lib_sources.txt'), 'utf8')),
  };
}

/** The version and the hash of a crate in a lock file. */
export function checksumOf(name, lock) {
  const entry = lock.split('[[package]]').find((text) => text.includes(`\nname = "${name}"\n`)) ?? '';
  const field = (key) => new RegExp(`^${key} = "(.*)"$`, 'm').exec(entry)?.[1];
  return `${name} ${field('version')} ${field('checksum')}`;
}

/** RocksDB's own version, which the crate's has behind its plus. */
export function rocksdbVersion(crateVersion) {
  return crateVersion.split('+')[1] ?? crateVersion;
}

/** How many object files the list of sources gives. */
export function countFiles(list) {
  return list.split('\n').filter((line) => line.trim() !== '').length;
}

function hostTriple(env) {
  const text = execFileSync('rustc', ['-vV'], { cwd: root, env, encoding: 'utf8' });
  return /^host: (.+)$/m.exec(text)[1];
}
