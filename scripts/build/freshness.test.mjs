import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { root } from '../root.mjs';
import { freshness } from './freshness.mjs';
import { matchesLock } from './packages.mjs';

/** A result with one source and one output, in a folder that is gone afterwards. */
async function inFolder(work) {
  const folder = mkdtempSync(join(root, 'node_modules', '.hitkv-test-'));
  const [source, output] = ['source', 'output'].map((name) => join(folder, name));
  const inRoot = (file) => () => [relative(root, file)];
  const result = freshness(relative(join(root, 'node_modules', '.hitkv'), join(folder, 'note')), {
    sources: inRoot(source),
    outputs: inRoot(output),
  });
  const build = async () => {
    writeFileSync(output, 'built');
    return { code: 0 };
  };
  writeFileSync(source, 'one');
  try {
    await work({ result, source, output, build });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a result is fresh until a source or the output changes', () =>
  inFolder(async ({ result, source, output, build }) => {
    assert.equal(result.isFresh(), false);
    await result.around(build);
    assert.equal(result.isFresh(), true);
    utimesSync(source, 1, 1);
    assert.equal(result.isFresh(), true);
    writeFileSync(source, 'two');
    assert.equal(result.isFresh(), false);
    await result.around(build);
    rmSync(output);
    assert.equal(result.isFresh(), false);
  }));

test('a result without a wanted feature is not fresh, one with more than is wanted is', () =>
  inFolder(async ({ result, build }) => {
    assert.deepEqual(result.features(), []);
    await result.around(build);
    assert.deepEqual([result.isFresh(), result.isFresh(['rocksdb'])], [true, false]);
    await result.around(build, ['rocksdb']);
    assert.deepEqual([result.isFresh(), result.isFresh(['rocksdb'])], [true, true]);
    assert.deepEqual(result.features(), ['rocksdb']);
    assert.equal(result.isFresh([], { exactly: true }), false);
    assert.equal(result.isFresh(['rocksdb'], { exactly: true }), true);
  }));

test('a failed build, or one whose sources changed meanwhile, is not fresh', () =>
  inFolder(async ({ result, source, build }) => {
    await result.around(async () => ({ ...(await build()), code: 1 }));
    assert.equal(result.isFresh(), false);
    await result.around(async () => {
      writeFileSync(source, 'changed while it ran');
      return build();
    });
    assert.equal(result.isFresh(), false);
  }));

test('installed packages match the lock file by their hashes; optional ones may be absent', () => {
  const locked = {
    '': {},
    'node_modules/a': { integrity: '1' },
    'node_modules/b': { integrity: '2', optional: true },
  };
  assert.ok(matchesLock(locked, { 'node_modules/a': { integrity: '1' } }));
  assert.ok(!matchesLock(locked, { 'node_modules/a': { integrity: 'old' } }));
  assert.ok(!matchesLock(locked, {}));
  assert.ok(!matchesLock(locked, { 'node_modules/a': { integrity: '1' }, 'node_modules/gone': {} }));
});
