import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

// Where the crate that loads libclang (clang-sys) looks for it, in its order; `*` is any name.
const PLACES = {
  linux: [
    '/usr/local/llvm*/lib*',
    '/usr/local/lib*/*/*',
    '/usr/local/lib*/*',
    '/usr/local/lib*',
    '/usr/lib*/*/*',
    '/usr/lib*/*',
    '/usr/lib*',
  ],
  darwin: [
    '/usr/local/opt/llvm*/lib/llvm*/lib',
    '/opt/homebrew/opt/llvm*/lib',
    '/Library/Developer/CommandLineTools/usr/lib',
    '/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib',
    '/usr/local/opt/llvm*/lib',
  ],
};
const NAMES = { linux: /^libclang(-[\d.]+)?\.so(\.[\d.]+)?$/, darwin: /^libclang\.dylib$/ };

// Debian keeps Clang's own headers in a package of their own, and without them libclang understands no program.
const DEBIAN_HEADERS = '/usr/lib/llvm*/lib/clang/*/include/stddef.h';

/**
 * Whether libclang, which reads RocksDB's C header when the Rust crate is built, is where it is looked for. `debian`: its
 * headers are looked for too.
 */
export function libclang({ env = process.env, platform = process.platform, debian = false } = {}) {
  const names = NAMES[platform];
  if (!names) return { works: true };
  const holds = (folder) => list(folder).some((name) => names.test(name));
  if (env.LIBCLANG_PATH) {
    const folder = isFolder(env.LIBCLANG_PATH) ? env.LIBCLANG_PATH : dirname(env.LIBCLANG_PATH);
    if (holds(folder)) return { works: true };
    return { works: false, problem: `there is none in ${env.LIBCLANG_PATH}, which LIBCLANG_PATH names` };
  }
  const named = [...llvmFolders(env), ...listed(env.LD_LIBRARY_PATH), ...listed(env.LIBRARY_PATH)];
  const found = named.some(holds) || PLACES[platform].some((place) => expand(place).some(holds));
  if (!found) return { works: false, problem: 'not found' };
  if (debian && expand(DEBIAN_HEADERS).length === 0) {
    return { works: false, problem: 'it is there, but not Clang’s own headers' };
  }
  return { works: true };
}

/** The paths that fit a pattern, in which a `*` stands for any part of one name. */
export function expand(pattern) {
  return pattern
    .split('/')
    .slice(1)
    .reduce(
      (folders, part) => {
        if (!part.includes('*')) return folders.map((folder) => join(folder, part)).filter(existsSync);
        const fits = new RegExp(`^${part.split('*').map(escaped).join('.*')}$`);
        return folders.flatMap((folder) =>
          list(folder)
            .filter((name) => fits.test(name))
            .map((name) => join(folder, name)),
        );
      },
      ['/'],
    );
}

function escaped(text) {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}

function llvmFolders(env) {
  try {
    const command = env.LLVM_CONFIG_PATH ?? 'llvm-config';
    const prefix = execFileSync(command, ['--prefix'], { env, encoding: 'utf8', stdio: 'pipe' }).trim();
    return ['bin', 'lib', 'lib64'].map((name) => join(prefix, name));
  } catch {
    return [];
  }
}

function listed(paths = '') {
  return paths.split(delimiter).filter(Boolean);
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
