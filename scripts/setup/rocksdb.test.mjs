import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cxxCompiler } from './cxx.mjs';
import { expand, libclang } from './libclang.mjs';

/** A folder with these files. */
function withFiles(files, work) {
  const folder = mkdtempSync(join(tmpdir(), 'hitkv-setup-test-'));
  try {
    for (const file of files) {
      mkdirSync(join(folder, file, '..'), { recursive: true });
      writeFileSync(join(folder, file), '');
    }
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('libclang is found in the folder, or as the file, that LIBCLANG_PATH names', () =>
  withFiles(['good/libclang-14.so.1', 'other/libclang-cpp.so.14', 'other/libclangAST.a'], (folder) => {
    const works = (path) => libclang({ env: { LIBCLANG_PATH: path }, platform: 'linux' });
    assert.deepEqual(works(join(folder, 'good')), { works: true });
    assert.deepEqual(works(join(folder, 'good', 'libclang-14.so.1')), { works: true });
    assert.match(works(join(folder, 'other')).problem, /none in .*other, which LIBCLANG_PATH names/);
    assert.equal(works(join(folder, 'nowhere')).works, false);
  }));

test('patterns of places are expanded name by name', () =>
  withFiles(['lib/llvm-14/lib/a', 'lib/llvm-15/lib/a', 'lib/other/lib/a'], (folder) => {
    assert.deepEqual(
      expand(`${folder}/lib/llvm*/lib`).map((path) => path.slice(folder.length)),
      ['/lib/llvm-14/lib', '/lib/llvm-15/lib'],
    );
    assert.deepEqual(expand(`${folder}/nowhere/*/lib`), []);
  }));

test('a C++ compiler that is not there, or is none, is named', () => {
  assert.match(
    cxxCompiler({ ...process.env, CXX: 'hitkv-no-such-compiler' }).problem,
    /hitkv-no-such-compiler was not found/,
  );
  assert.match(
    cxxCompiler({ ...process.env, CXX: 'false' }).problem,
    /false is there but cannot build a program in C\+\+20/,
  );
});
