import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { configText, writeConfig } from './config.mjs';

function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'hitkv-config-'));
  try {
    work(folder, join(folder, '.cargo', 'config.toml'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('cargo’s configuration names the library, and follows it', () =>
  inFolder((folder, file) => {
    writeConfig('/cache/one/lib', folder);
    assert.match(
      readFileSync(file, 'utf8'),
      /\n\[env\]\nROCKSDB_LIB_DIR = "\/cache\/one\/lib"\nROCKSDB_STATIC = "1"\n$/,
    );
    writeConfig('/cache/two/lib', folder);
    assert.equal(readFileSync(file, 'utf8'), configText('/cache/two/lib'));
    assert.deepEqual(readdirSync(join(folder, '.cargo')), ['config.toml']);
  }));

test('a configuration of one’s own is left alone and the lines it lacks are named', () =>
  inFolder((folder, file) => {
    mkdirSync(join(folder, '.cargo'));
    writeFileSync(file, '[build]\njobs = 1\n');
    assert.throws(
      () => writeConfig('/cache/lib', folder),
      /your own.*\n\[env\]\nROCKSDB_LIB_DIR = "\/cache\/lib"/,
    );
    const own = '[env]\nROCKSDB_LIB_DIR = "/cache/lib"\nROCKSDB_STATIC = "1"\n';
    writeFileSync(file, own);
    writeConfig('/cache/lib', folder);
    assert.equal(readFileSync(file, 'utf8'), own);
  }));
