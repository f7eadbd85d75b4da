import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../root.mjs';
import { nodeProblem, OLDEST_NODE } from './node-version.mjs';
import { rustVersion } from './requirements.mjs';
import { compareVersions, meets, parseVersion } from './version.mjs';

const read = (file) => readFileSync(join(root, file), 'utf8');

test('versions are found in what tools print', () => {
  assert.deepEqual(parseVersion('rustc 1.95.0 (59807616e 2026-04-14)'), [1, 95, 0]);
  assert.deepEqual(parseVersion('1.96.0+dfsg1-1~deb12u2'), [1, 96, 0]);
  assert.deepEqual(parseVersion('1.89'), [1, 89, 0]);
  assert.equal(parseVersion('none'), undefined);
});

test('versions are compared as numbers', () => {
  assert.ok(meets('1.100.0', '1.89'));
  assert.ok(meets('1.89.0', '1.89'));
  assert.ok(!meets('1.88.9', '1.89'));
  assert.ok(!meets(undefined, '1.89'));
  assert.ok(compareVersions('1.9', '1.10') < 0);
});

test('an old Node.js is told what to install', () => {
  assert.equal(nodeProblem('20.19.0'), '');
  assert.equal(nodeProblem('22.1.0'), '');
  assert.match(
    nodeProblem('20.18.3'),
    /Node\.js 20\.19\.0 or newer, this is 20\.18\.3.*https:\/\/nodejs\.org/,
  );
  assert.match(nodeProblem('18.20.0'), /this is 18\.20\.0/);
});

test('rust-version is read from the manifest', () => {
  assert.equal(rustVersion('[workspace.package]\nrust-version = "1.89"\n'), '1.89');
  assert.throws(() => rustVersion('[workspace]\n'), /rust-version/);
});

test('the manifests agree on the oldest Node.js and on the version', () => {
  const manifest = JSON.parse(read('package.json'));
  assert.equal(manifest.engines.node, `>=${OLDEST_NODE}`);
  assert.equal(/^version = "(.*)"$/m.exec(read('Cargo.toml'))[1], manifest.version);
  assert.equal(JSON.parse(read('package-lock.json')).version, manifest.version);
});
