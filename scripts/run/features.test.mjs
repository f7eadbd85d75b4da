import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featuresOf, requestedFeatures } from './features.mjs';
import { serveArguments } from './serve-arguments.mjs';

test('npm start builds RocksDB only where the store is one', () => {
  const features = (...passed) => featuresOf(serveArguments(passed)[1]);
  for (const passed of [
    [],
    ['./rocksdb'],
    ['./rocksdb:x'],
    ['file:rocksdb:'],
    ['memory:'],
    ['--http', 'off'],
  ])
    assert.deepEqual(features(...passed), []);
  assert.deepEqual(features('rocksdb:./rocks'), ['rocksdb']);
  assert.deepEqual(features('RocksDB:./rocks', '--http', 'off'), ['rocksdb']);
});

test('a build has what it was asked for, else what the addon had', () => {
  const asked = (args, env = {}, present = []) => requestedFeatures(args, env, present);
  assert.deepEqual(asked([]), { features: [] });
  assert.deepEqual(asked([], {}, ['rocksdb']), { features: ['rocksdb'] });
  assert.deepEqual(asked(['--rocksdb']), { features: ['rocksdb'] });
  assert.deepEqual(asked([], { HITKV_ROCKSDB: '1' }), { features: ['rocksdb'] });
  assert.deepEqual(asked([], { HITKV_ROCKSDB: '0' }, ['rocksdb']), { features: [] });
  assert.deepEqual(asked(['--no-rocksdb'], { HITKV_ROCKSDB: '1' }, ['rocksdb']), { features: [] });
  assert.deepEqual(asked(['--rocks']), { unknown: '--rocks' });
});
