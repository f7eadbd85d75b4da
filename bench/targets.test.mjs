import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contenderNames, figures as known } from './names.mjs';
import { judge, TARGET_BULK_ENTRIES, TARGET_ENTRIES } from './targets.mjs';

const RIGHT_SIZE = { entries: TARGET_ENTRIES, bulkEntries: TARGET_BULK_ENTRIES };

/** A figure as a run has it. */
function figureOf(id, medians) {
  const contenders = Object.fromEntries(Object.entries(medians).map(([name, median]) => [name, { median }]));
  return { id, contenders };
}

/** The verdict on one figure of the file store, from the medians of the contenders. */
function verdict(figure, medians, sizes = RIGHT_SIZE, others = []) {
  const judged = judge([figureOf(figure, medians), ...others], sizes);
  return judged.find((target) => target.ours === 'hitkv' && target.figure === figure).met;
}

/** The verdicts on one figure of the store on RocksDB, by what each is held against. */
function verdictsOnRocksdb(figure, medians, sizes = RIGHT_SIZE, others = []) {
  const judged = judge([figureOf(figure, medians), ...others], sizes);
  const its = judged.filter((target) => target.ours !== 'hitkv' && target.figure === figure);
  return Object.fromEntries(its.map((target) => [target.atLeast, target.met]));
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
  assert.equal(verdict('sustain', { hitkv: 61 }, RIGHT_SIZE, [rounds]), true);
  assert.equal(verdict('sustain', { hitkv: 59 }, RIGHT_SIZE, [rounds]), false);
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
  assert.equal(verdict('open', { hitkv: 9_000_000 }, { ...RIGHT_SIZE, entries: 10_000 }), null);
});

test('on RocksDB hitkv reaches classic-level and leaves the other bindings behind', () => {
  const peers = { 'classic-level': 100, 'nxtedition-rocksdb': 100, 'rocksdb-native': 100 };
  const between = verdictsOnRocksdb('batch', { ...peers, 'hitkv-rocksdb': 129 });
  assert.deepEqual(between, {
    'classic-level': true,
    'nxtedition-rocksdb': false,
    'rocksdb-native': false,
  });
  const ahead = verdictsOnRocksdb('batch', { ...peers, 'hitkv-rocksdb': 131 });
  assert.deepEqual(ahead, { 'classic-level': true, 'nxtedition-rocksdb': true, 'rocksdb-native': true });
  assert.equal(verdictsOnRocksdb('batch', { ...peers, 'hitkv-rocksdb': 99 })['classic-level'], false);
});

test('a peer without synchronous reads is measured by its asynchronous ones', () => {
  const asynchronous = figureOf('get', { 'rocksdb-native': 100 });
  const verdictOf = (rate) =>
    verdictsOnRocksdb('getSync', { 'hitkv-rocksdb': rate }, RIGHT_SIZE, [asynchronous])['rocksdb-native'];
  assert.equal(verdictOf(131), true);
  assert.equal(verdictOf(129), false);
});

test('each durability on RocksDB has a rate of its own to reach', () => {
  const rates = { 'hitkv-rocksdb': 250_000, 'hitkv-rocksdb-synced': 149_999 };
  const judged = verdictsOnRocksdb('set', rates);
  assert.equal(judged[250_000], true);
  assert.equal(judged[150_000], false);
});

test('a load in bulk is judged by its own size', () => {
  const enough = { 'hitkv-rocksdb': 300_000 };
  assert.deepEqual(verdictsOnRocksdb('bulk', enough, { ...RIGHT_SIZE, entries: 10_000 }), { 300000: true });
  assert.deepEqual(verdictsOnRocksdb('bulk', enough, { ...RIGHT_SIZE, bulkEntries: 20_000 }), {
    300000: null,
  });
});

test('every target belongs to a figure of the table, and to contenders', () => {
  const ids = new Set(known.map(({ id }) => id));
  for (const { ours, figure, of = figure, atLeast, atMost } of judge([], RIGHT_SIZE)) {
    assert.ok(ids.has(figure) && ids.has(of), figure);
    assert.ok(contenderNames.includes(ours), ours);
    const limit = atLeast ?? atMost;
    assert.ok(typeof limit === 'number' || contenderNames.includes(limit), limit);
  }
});
