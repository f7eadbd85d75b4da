import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cxxCommand } from '../rocksdb/key.mjs';

// What RocksDB asks for: C++20, and of GCC at least version 11, whose library has all of it that RocksDB uses.
const SOURCE = `#include <concepts>
#include <span>
#include <string>
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 11
#error hitkv: GCC is older than 11
#endif
int main(int count, char**) { std::string text(count, 'a'); return std::span<char>(text).size() == 0; }
`;

/** Compiles and links a program in the C++ that RocksDB is written in. */
export function cxxCompiler(env = process.env) {
  if (process.platform === 'win32') return { works: true };
  const [command, ...args] = cxxCommand(env, '');
  const folder = mkdtempSync(join(tmpdir(), 'hitkv-setup-'));
  try {
    const source = join(folder, 'program.cc');
    writeFileSync(source, SOURCE);
    const rest = ['-std=c++20', source, '-o', join(folder, 'program')];
    execFileSync(command, [...args, ...rest], { env, encoding: 'utf8', stdio: 'pipe', timeout: 60_000 });
    return { works: true };
  } catch (error) {
    return { works: false, problem: problemOf(command, error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function problemOf(command, error) {
  if (error.code === 'ENOENT') return `${command} was not found`;
  if (/GCC is older than 11/.test(error.stderr))
    return `${command} is a GCC older than 11, which lacks C++20`;
  return `${command} is there but cannot build a program in C++20`;
}
