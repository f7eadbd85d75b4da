import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { compiledRocksdbs } from './one-rocksdb.mjs';

/** The problems of a target folder that holds these files. */
function problemsOf(...files) {
  const target = mkdtempSync(join(tmpdir(), 'hitkv-target-'));
  try {
    for (const file of files) {
      mkdirSync(dirname(join(target, file)), { recursive: true });
      writeFileSync(join(target, file), '');
    }
    return compiledRocksdbs(target);
  } finally {
    rmSync(target, { recursive: true });
  }
}

test('a RocksDB that is linked leaves no object files, and that is right', () => {
  assert.deepEqual(problemsOf(), []);
  assert.deepEqual(
    problemsOf(
      'release/build/librocksdb-sys-0123/out/bindings.rs',
      'release/build/librocksdb-sys-0123/output',
      'release/build/lz4-sys-0123/out/lz4.o',
      'release/deps/liblibrocksdb_sys-0123.rlib',
    ),
    [],
  );
});

test('a RocksDB that was compiled is found in each profile and target, finished or not', () => {
  const problems = problemsOf(
    'release/build/librocksdb-sys-0123/out/librocksdb.a',
    'debug/build/librocksdb-sys-4567/out/0123-db_impl.o',
    'x86_64-unknown-linux-gnu/release/build/librocksdb-sys-89ab/out/librocksdb.a',
  );
  assert.equal(problems.length, 3);
  assert.match(
    problems.join('\n'),
    /librocksdb-sys-4567 holds a RocksDB of its own.*cargo clean -p librocksdb-sys/,
  );
});
