import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindingProblems, crateProblems } from './dependencies.mjs';

const crate = (name, ...dependencies) => ({
  name,
  dependencies: dependencies.map((other) =>
    typeof other === 'string' ? { name: other, kind: null } : other,
  ),
});
const all = (...changed) => {
  const names = ['hit-core', 'hit-log', 'hit-table', 'hit', 'hit-server', 'hit-node', 'hit-testkit'];
  return names.map((name) => changed.find((other) => other.name === name) ?? crate(name));
};

test('dependencies may point to lower layers', () => {
  const packages = all(
    crate('hit-log', 'hit-core', 'crc32c'),
    crate('hit', 'hit-core', 'hit-log', 'hit-table', 'tokio'),
    crate('hit-server', 'hit', 'axum'),
    crate('hit-node', 'hit', 'hit-server', 'napi', 'napi-derive'),
    crate('hit-testkit', 'hit', 'hit-log'),
  );
  assert.deepEqual(crateProblems(packages), []);
});

test('a dependency upwards or sideways breaks the rule', () => {
  assert.match(crateProblems(all(crate('hit-core', 'hit'))).join(), /hit-core depends on hit,/);
  assert.match(crateProblems(all(crate('hit-table', 'hit-log'))).join(), /hit-table depends on hit-log/);
  const build = { name: 'hit-server', kind: 'build' };
  assert.equal(crateProblems(all(crate('hit-log', build))).length, 1);
});

test('only tests depend on the testkit', () => {
  assert.equal(crateProblems(all(crate('hit', 'hit-testkit'))).length, 1);
  assert.deepEqual(crateProblems(all(crate('hit', { name: 'hit-testkit', kind: 'dev' }))), []);
});

test('napi and runtimes stay where they belong', () => {
  assert.match(crateProblems(all(crate('hit', 'napi-sys'))).join(), /only hit-node knows napi/);
  assert.match(crateProblems(all(crate('hit-log', 'tokio'))).join(), /no runtime/);
});

test('a crate without a layer is refused', () => {
  assert.match(crateProblems([...all(), crate('hit-new')]).join(), /hit-new has no layer/);
});

test('one file imports the generated binding', () => {
  const text = "import { open } from '#native';";
  assert.deepEqual(bindingProblems([['src/native/binding.ts', text]]), []);
  assert.equal(bindingProblems([['src/store.ts', text]]).length, 1);
  assert.equal(
    bindingProblems([
      ['src/native/engine.ts', "await import('./native.cjs')"],
      ['index.ts', "import '../native/native.cjs'"],
    ]).length,
    2,
  );
});
