import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { compilerFlags } from './flags.mjs';
import { rocksdbVersion } from './source.mjs';

// Counts up when the same parts lead to another archive: a change of what is built here, and how.
const FORMAT = 1;

/** Everything that two archives must have in common to be the same, as it stands in an entry's manifest. */
export function keyParts({ source, env, compiler = cxxVersion(env, source.target) }) {
  const { target, version, checksums, features } = source;
  return { format: FORMAT, version, checksums, features, target, compiler, flags: compilerFlags(env) };
}

/** The name of an entry: RocksDB's version for people, the hash for the rest. */
export function keyOf(parts) {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${rocksdbVersion(parts.version)}-${hash.slice(0, 16)}`;
}

/** What the C++ compiler, as cargo will find it, says that it is. */
export function cxxVersion(env, target) {
  const [command, ...args] = cxxCommand(env, target);
  try {
    const text = execFileSync(command, [...args, '--version'], { env, encoding: 'utf8', stdio: 'pipe' });
    return text.split('\n')[0].trim();
  } catch (error) {
    throw new Error(`the C++ compiler ${command} does not say its version: ${error.message.split('\n')[0]}`);
  }
}

/** The C++ compiler: of this target, of any, or the system's. A value may have arguments (`ccache g++`). */
export function cxxCommand(env, target) {
  const names = [`CXX_${target}`, `CXX_${target.replaceAll('-', '_')}`, 'HOST_CXX', 'CXX'];
  const chosen = names.map((name) => env[name]?.trim()).find(Boolean) ?? 'c++';
  return chosen.split(/\s+/);
}
