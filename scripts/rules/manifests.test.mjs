import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../root.mjs';

const read = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const manifest = read('package.json');

test('every target has a package of the same version', () => {
  const platforms = readdirSync(join(root, 'npm'));
  assert.equal(platforms.length, manifest.napi.targets.length);
  for (const platform of platforms) {
    const { name, version, license, engines, main } = read(`npm/${platform}/package.json`);
    assert.deepEqual(
      { name, version, license, engines, main },
      {
        name: `hitkv-${platform}`,
        version: manifest.version,
        license: manifest.license,
        engines: manifest.engines,
        main: `hitkv.${platform}.node`,
      },
    );
  }
});

test('the lock file names no registry', () => {
  const entries = Object.values(read('package-lock.json').packages);
  assert.deepEqual(
    entries.filter(({ resolved }) => resolved).map(({ resolved }) => resolved),
    [],
  );
});

test('what the package promises to contain is what is built', () => {
  assert.equal(manifest.exports['.'].types.replace('.d.ts', '.js'), manifest.exports['.'].default);
  for (const path of [
    manifest.exports['.'].default,
    manifest.bin.hitkv,
    manifest.imports['#native'].default,
  ]) {
    const listed = manifest.files.some((entry) => path.replace(/^\.\//, '').startsWith(entry));
    assert.ok(listed, `${path} is not among "files"`);
  }
});
