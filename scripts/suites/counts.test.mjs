import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cargoFailures, countCargo, countNodeTest, countOne, countVitest } from './counts.mjs';
import { skippedLines, total } from './report.mjs';

const cargo = `   Compiling hit-core v0.1.0
     Running unittests src/lib.rs (target/release/deps/hit_core-1)

running 3 tests
test a ... ok
test b ... ok
test c ... ignored

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/recovery.rs (target/release/deps/recovery-2)

running 2 tests
test good ... ok
test bad ... FAILED

failures:
bad panicked

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests hit_core

running 1 test

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: 1 target failed:
`;

test('cargo’s programs are added up', () => {
  const { passed, failed, skipped } = countCargo({ code: 101, output: cargo });
  assert.deepEqual([passed, failed, skipped.length], [4, 1, 1]);
});

test('a program of tests that crashed is a failure', () => {
  const output = cargo.replace(
    /failures:[\s\S]*?finished in 0.00s/,
    'error: test failed (signal: 11, SIGSEGV)',
  );
  assert.deepEqual(countCargo({ code: 101, output }).failed, 1);
  assert.match(cargoFailures(output), /SIGSEGV/);
});

test('of a failure the failing programs are shown without what passed', () => {
  const shown = cargoFailures(cargo);
  assert.match(shown, /bad panicked/);
  assert.doesNotMatch(shown, /good|hit_core-1/);
});

test('a Rust test that says that it could not run counts as skipped', () => {
  const output = cargo.replace('test b', '[could not run] a_full_disk: no tmpfs without root\ntest b');
  const { passed, skipped } = countCargo({ code: 101, output });
  assert.equal(passed, 3);
  assert.ok(skipped.includes('a_full_disk: no tmpfs without root'));
});

test('what did not compile, and what ran nothing, is a failure', () => {
  assert.deepEqual(countCargo({ code: 101, output: 'error[E0308]' }), { passed: 0, failed: 1, skipped: [] });
  assert.equal(countCargo({ code: 0, output: '' }).failed, 1);
  assert.equal(countVitest({ code: 0 }, undefined).failed, 1);
  assert.equal(countNodeTest({ code: 0, output: 'ℹ pass 0' }).failed, 1);
  assert.equal(countOne({ code: 2 }).failed, 1);
});

test('Vitest’s report is added up, with files that could not be loaded', () => {
  const passed = { status: 'passed', fullName: 'a' };
  const report = {
    testResults: [
      { status: 'passed', assertionResults: [passed, passed, { status: 'skipped', fullName: 'later' }] },
      { status: 'failed', assertionResults: [{ status: 'failed', fullName: 'b' }] },
      { status: 'failed', assertionResults: [] },
    ],
  };
  assert.deepEqual(countVitest({ code: 1 }, report), { passed: 2, failed: 2, skipped: ['later'] });
});

test('an error outside of every Vitest test is a failure', () => {
  const report = {
    testResults: [{ status: 'passed', assertionResults: [{ status: 'passed', fullName: 'a' }] }],
  };
  assert.deepEqual(countVitest({ code: 1 }, report), { passed: 1, failed: 1, skipped: [] });
});

test('Node’s own runner is added up', () => {
  const output =
    '✔ a (1.2ms)\n﹣ b (0.4ms) # no root\nℹ tests 2\nℹ pass 1\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1\n';
  assert.deepEqual(countNodeTest({ code: 0, output }), { passed: 1, failed: 0, skipped: ['b'] });
});

test('the last line adds up all suites, and in CI what could not run has failed', () => {
  const results = [
    { name: 'x', counts: { passed: 3, failed: 0, skipped: ['later'] } },
    { name: 'y', counts: { passed: 1, failed: 0, skipped: [] } },
  ];
  assert.deepEqual(total(results, false), { failed: 0, line: '4 passed, 0 failed, 1 skipped' });
  assert.deepEqual(total(results, true), { failed: 1, line: '4 passed, 1 failed' });
  assert.deepEqual(total(results.slice(1), false).line, '1 passed, 0 failed');
  assert.match(skippedLines(results, false).join('\n'), /x: later/);
});
