import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { outputFolder } from './compile.mjs';
import { ensureEntry, ensureRocksdb } from './ensure.mjs';
import { archiveIn, entryProblem, libraryFolder, storeEntry } from './entry.mjs';
import { cacheFolder } from './folder.mjs';

const source = { target: 'x86_64-unknown-linux-gnu', version: '0.19.0+11.8.1', files: 2 };
const parts = { version: source.version, flags: {} };

// Stands in for cargo: notes that it ran, makes object files and an archive where cargo would, and says so. What it does
// in the middle is the test's.
const cargo = (middle) => `#!${process.execPath}
const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const after = (name) => process.argv[process.argv.indexOf(name) + 1];
appendFileSync(process.env.RUNS, 'ran\\n');
const out = join(after('--target-dir'), after('--target'), 'release', 'build', 'librocksdb-sys-1', 'out');
mkdirSync(out, { recursive: true });
writeFileSync(join(out, '1-db.o'), '');
const finish = () => {
  writeFileSync(join(out, 'librocksdb.a'), 'an archive');
  console.log(JSON.stringify({ reason: 'build-script-executed', package_id: 'registry#lz4-sys@1', out_dir: '/lz4' }));
  console.log(JSON.stringify({ reason: 'build-script-executed', package_id: 'registry#librocksdb-sys@1', out_dir: out }));
};
${middle}
`;

/** A cache with one entry wanted, and a cargo in front of the real one. */
async function inCache(work, middle = 'finish();') {
  const folder = mkdtempSync(join(tmpdir(), 'hitkv-rocksdb-'));
  const [bin, cache, runs] = ['bin', 'cache', 'runs'].map((name) => join(folder, name));
  const entry = join(cache, 'rocksdb');
  mkdirSync(bin);
  writeFileSync(runs, '');
  writeFileSync(join(bin, 'cargo'), cargo(middle));
  chmodSync(join(bin, 'cargo'), 0o755);
  const env = { ...process.env, PATH: bin + delimiter + process.env.PATH, RUNS: runs, ENTRY: entry };
  const notes = [];
  const line = { show() {}, note: (text) => notes.push(text) };
  const ensure = (variables = {}) =>
    ensureEntry({ entry, parts, source, env: { ...env, ...variables }, line, timeoutMs: 60_000 });
  const runCount = () => readFileSync(runs, 'utf8').split('\n').length - 1;
  try {
    await work({ cache, entry, ensure, notes, runCount, folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const archiveOf = (entry) => archiveIn(libraryFolder(entry));

test('RocksDB is compiled once, and nothing but the entry is left', () =>
  inCache(async ({ cache, entry, ensure, notes, runCount }) => {
    assert.equal((await ensure()).code, 0);
    assert.equal(readFileSync(archiveOf(entry), 'utf8'), 'an archive');
    assert.match(notes.join(), /compiled once for this machine.*10 to 15 minutes on two cores/);
    assert.deepEqual(readdirSync(cache), ['rocksdb']);
    assert.equal((await ensure()).code, 0);
    assert.equal(runCount(), 1);
    assert.equal(notes.length, 1);
  }));

test('an entry that was damaged, cut, made from something else or taken over is compiled again, and a line says why', () =>
  inCache(async ({ entry, ensure, notes, runCount }) => {
    const manifest = join(entry, 'manifest.json');
    const damages = [
      [() => writeFileSync(archiveOf(entry), 'an_archive'), /SHA-256/],
      [() => writeFileSync(archiveOf(entry), 'an'), /size/],
      [() => rmSync(archiveOf(entry)), /librocksdb\.a cannot be read/],
      [() => rmSync(manifest), /manifest cannot be read/],
      [() => writeFileSync(manifest, '{'), /manifest cannot be read/],
      [() => writeFileSync(manifest, 'null'), /something else/],
      [
        () => writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('0.19.0', '0.18.0')),
        /something else/,
      ],
    ];
    await ensure();
    for (const [damage, why] of damages) {
      damage();
      notes.length = 0;
      assert.equal((await ensure()).code, 0);
      assert.match(notes[0], why);
      assert.match(notes[0], /compiled again/);
      assert.equal(entryProblem(entry, parts), '');
    }
    assert.equal(runCount(), 1 + damages.length);
  }));

test('a compilation that fails leaves no entry and shows what the compiler said', () =>
  inCache(async ({ entry, ensure }) => {
    const { code, output } = await ensure();
    assert.equal(code, 1);
    assert.match(output, /no such header/);
    assert.doesNotMatch(output, /^\{/m);
    assert.ok(!existsSync(entry));
  }, 'console.log("{}"); console.error("no such header"); process.exitCode = 1;'));

test('a compilation that is killed leaves no entry', () =>
  inCache(async ({ cache, ensure }) => {
    const { code, problem } = await ensure();
    assert.equal(code, 1);
    assert.match(problem, /SIGKILL/);
    assert.deepEqual(readdirSync(cache), ['rocksdb.building']);
  }, 'process.kill(process.pid, "SIGKILL");'));

test('a compilation is ended once another clone has made the entry', async () => {
  const middle = `
    setInterval(() => {}, 1000);
    require('node:child_process').execFileSync(process.execPath, ['--input-type=module', '-e', process.env.OTHER]);
  `;
  await inCache(async ({ cache, entry, ensure, folder, notes }) => {
    writeFileSync(join(folder, 'archive'), 'of the other');
    const OTHER = `
      const { storeEntry } = await import(${JSON.stringify(new URL('entry.mjs', import.meta.url).href)});
      storeEntry(process.env.ENTRY, ${JSON.stringify(parts)}, ${JSON.stringify(join(folder, 'archive'))});
    `;
    const { code } = await ensure({ OTHER });
    assert.equal(code, 0);
    assert.match(notes.join(), /another build has made it/);
    assert.equal(readFileSync(archiveOf(entry), 'utf8'), 'of the other');
    assert.deepEqual(readdirSync(cache), ['rocksdb']);
  }, middle);
});

test('of two that store the same entry the first stays, unless it is damaged', () =>
  inCache(async ({ cache, entry, folder }) => {
    const archives = ['one', 'two'].map((name) => join(folder, name));
    for (const archive of archives) writeFileSync(archive, archive);
    for (const archive of archives) storeEntry(entry, parts, archive);
    assert.equal(readFileSync(archiveOf(entry), 'utf8'), archives[0]);
    writeFileSync(archiveOf(entry), 'damaged');
    storeEntry(entry, parts, archives[1]);
    assert.equal(readFileSync(archiveOf(entry), 'utf8'), archives[1]);
    assert.deepEqual(readdirSync(cache), ['rocksdb']);
  }));

test('a library that the environment names is used and said', async () => {
  const notes = [];
  const line = { show() {}, note: (text) => notes.push(text) };
  assert.equal((await ensureRocksdb({ env: { ROCKSDB_LIB_DIR: '/opt/rocksdb' }, line })).code, 0);
  assert.match(notes.join(), /\/opt\/rocksdb, since ROCKSDB_LIB_DIR says so/);
});

test('cargo’s messages tell the output folder', () => {
  const message = (id, folder) =>
    JSON.stringify({ reason: 'build-script-executed', package_id: id, out_dir: folder });
  const output = ['Compiling', message('r#lz4-sys@1', '/a'), message('r#librocksdb-sys@0.19', '/b'), ''].join(
    '\n',
  );
  assert.equal(outputFolder(output), '/b');
  assert.equal(outputFolder('Compiling\n'), undefined);
});

test('the cache is where XDG_CACHE_HOME says, if that is a whole path', () => {
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/cache' }), join('/cache', 'hitkv', 'rocksdb'));
  assert.match(cacheFolder({ XDG_CACHE_HOME: 'cache' }), /\.cache[/\\]hitkv[/\\]rocksdb$/);
});
