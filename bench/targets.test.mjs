import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figures as known } from './names.mjs';
import { judge, TARGET_ENTRIES } from './targets.mjs';

/** A figure as a run has it. */
function figureOf(id, medians) {
  const contenders = Object.fromEntries(Object.entries(medians).map(([name, median]) => [name, { median }]));
  return { id, contenders };
}

/** The verdict on one figure, from the medians of the contenders. */
function verdict(figure, medians, entries = TARGET_ENTRIES, others = []) {
  const judged = judge([figureOf(figure, medians), ...others], entries);
  return judged.find((target) => target.figure === figure).met;
}

test('a rate has to reach a number, or another contender', () => {
  assert.equal(verdict('open', { hitkv: 3_000_000 }), true);
  assert.equal(verdict('open', { hitkv: 2_999_999 }), false);
  assert.equal(verdict('set', { hitkv: 2, lmdb: 1 }), true);
  assert.equal(verdict('set', { hitkv: 1, lmdb: 2 }), false);
});

test('with compaction a share of the rate without it is enough', () => {
  assert.equal(verdict('overwrite', { hitkv: 61, 'hitkv-uncompacted': 100 }), true);
  assert.equal(verdict('overwrite', { hitkv: 59, 'hitkv-uncompacted': 100 }), false);
});

test('the long run is held against the short rounds without compaction', () => {
  const rounds = figureOf('overwrite', { hitkv: 90, 'hitkv-uncompacted': 100 });
  assert.equal(verdict('sustain', { hitkv: 61 }, TARGET_ENTRIES, [rounds]), true);
  assert.equal(verdict('sustain', { hitkv: 59 }, TARGET_ENTRIES, [rounds]), false);
  assert.equal(verdict('sustain', { hitkv: 61 }), null);
});

test('a time and a share of the space may not be passed', () => {
  assert.equal(verdict('sustainP99', { hitkv: 19 }), true);
  assert.equal(verdict('sustainP99', { hitkv: 21 }), false);
  assert.equal(verdict('sustainSpace', { hitkv: 101 }), false);
});

test('what was not measured, or not at the size the targets speak of, is not judged', () => {
  assert.equal(verdict('overwrite', { hitkv: 61 }), null);
  assert.equal(verdict('sustainP99', {}), null);
  assert.equal(verdict('open', { hitkv: 9_000_000 }, 10_000), null);
});

test('every target belongs to a figure of the table', () => {
  const ids = new Set(known.map(({ id }) => id));
  for (const { figure } of judge([], TARGET_ENTRIES)) assert.ok(ids.has(figure), figure);
});
