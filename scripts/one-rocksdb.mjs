#!/usr/bin/env node
// Fails where cargo compiled RocksDB below the target folder instead of linking the one in the user's cache.
import { execFileSync } from 'node:child_process';
import { root } from './root.mjs';
import { compiledRocksdbs } from './rules/one-rocksdb.mjs';

const metadata = execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1'], {
  cwd: root,
  maxBuffer: 1 << 28,
});
const problems = compiledRocksdbs(JSON.parse(metadata).target_directory);
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
