import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosenSuites } from './run.mjs';
import { suites } from './suites.mjs';

const chosen = (...names) => chosenSuites(suites({ ci: false }), names).map(({ name }) => name);

test('a named suite runs alone, but for what it cannot be built without', () => {
  assert.deepEqual(chosen('biome'), ['biome']);
  assert.deepEqual(chosen('types'), ['types']);
  assert.deepEqual(chosen('clippy', 'biome'), ['biome', 'rocksdb', 'clippy']);
  assert.ok(chosen().length > 10);
});

test('a suite needs only what comes before it', () => {
  const all = suites({ ci: true });
  for (const [at, { needs }] of all.entries()) {
    for (const need of needs) assert.ok(all.slice(0, at).some(({ name }) => name === need));
  }
});
