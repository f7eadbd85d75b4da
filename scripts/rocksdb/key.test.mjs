import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileEnvironment, compilerFlags } from './flags.mjs';
import { cxxCommand, keyOf, keyParts } from './key.mjs';
import { checksumOf, countFiles } from './source.mjs';

const source = {
  target: 'x86_64-unknown-linux-gnu',
  version: '0.19.0+11.8.1',
  checksums: ['librocksdb-sys 0.19.0+11.8.1 aa', 'lz4-sys 1.11.1 bb'],
  features: ['bindgen-runtime', 'lz4'],
  files: 343,
};
const compiler = 'c++ (Debian 12.2.0-14) 12.2.0';
const key = ({ env = {}, compiler: other = compiler, ...changed } = {}) =>
  keyOf(keyParts({ source: { ...source, ...changed }, env, compiler: other }));

test('the key is the version and a hash of all that the archive depends on', () => {
  assert.match(key(), /^11\.8\.1-[0-9a-f]{16}$/);
  assert.equal(key(), key());
  const all = [
    key(),
    key({ version: '0.20.0+12.0.0' }),
    key({ checksums: ['librocksdb-sys 0.19.0+11.8.1 cc', 'lz4-sys 1.11.1 bb'] }),
    key({ features: ['lz4'] }),
    key({ target: 'aarch64-unknown-linux-gnu' }),
    key({ compiler: 'Debian clang version 14.0.6' }),
    key({ env: { CXXFLAGS: '-march=x86-64-v3' } }),
    key({ env: { CXXFLAGS_x86_64_unknown_linux_gnu: '-march=x86-64-v3' } }),
    key({ env: { CXX: 'clang++' } }),
    key({ env: { ROCKSDB_CXX_STD: 'c++23' } }),
    key({ env: { RUSTFLAGS: '-C target-cpu=x86-64-v3' } }),
    key({ env: { RUSTFLAGS: '-Ctarget-feature=+sse4.2' } }),
  ];
  assert.equal(new Set(all).size, all.length);
});

test('what does not concern the C++ leaves the key alone', () => {
  for (const env of [
    { PATH: '/bin', CC: 'clang', CFLAGS: '-g' },
    { RUSTFLAGS: '-Zsanitizer=address -Cdebuginfo=2' },
  ])
    assert.equal(key({ env }), key());
  assert.equal(key({ files: 344 }), key());
});

test('of Rust’s flags those that choose the processor count, however they are written', () => {
  const flags = (env) => compilerFlags(env, 'a processor');
  const wanted = { RUSTFLAGS: '-Ctarget-cpu=x86-64-v3' };
  assert.deepEqual(flags({ RUSTFLAGS: '-g -C target-cpu=x86-64-v3' }), wanted);
  assert.deepEqual(flags({ CARGO_ENCODED_RUSTFLAGS: '-C\x1ftarget-cpu=x86-64-v3\x1f-g' }), wanted);
  assert.deepEqual(flags({ RUSTFLAGS: '--codegen target-cpu=x86-64-v3' }), wanted);
  assert.deepEqual(flags({ RUSTFLAGS: '-Ctarget-cpu=native' }), {
    RUSTFLAGS: '-Ctarget-cpu=native',
    processor: 'a processor',
  });
});

test('the crate compiles with what the key says, and without debugging information', () => {
  const env = {
    RUSTFLAGS: '-Zsanitizer=address -Ctarget-cpu=x86-64-v3',
    CARGO_BUILD_RUSTFLAGS: '-g',
    CXX: 'g++',
  };
  assert.deepEqual(compileEnvironment(env, source), {
    CXX: 'g++',
    RUSTFLAGS: '-Ctarget-cpu=x86-64-v3',
    ROCKSDB_COMPILE: '1',
    CARGO_PROFILE_RELEASE_DEBUG: 'false',
  });
});

test('on Apple’s systems RocksDB is told to sync through the drive’s cache', () => {
  const apple = { target: 'aarch64-apple-darwin' };
  assert.equal(compileEnvironment({ CXXFLAGS: '-g' }, apple).CXXFLAGS, '-g -DHAVE_FULLFSYNC');
});

test('the C++ compiler is the target’s, else the named one, else c++', () => {
  const { target } = source;
  assert.deepEqual(cxxCommand({}, target), ['c++']);
  assert.deepEqual(cxxCommand({ CXX: 'ccache g++' }, target), ['ccache', 'g++']);
  assert.deepEqual(cxxCommand({ CXX: 'g++', CXX_x86_64_unknown_linux_gnu: 'clang++' }, target), ['clang++']);
});

test('a crate’s hash is read from the lock file', () => {
  const lock = [
    'version = 4\n',
    '[[package]]\nname = "librocksdb-sys"\nversion = "0.19.0"\nsource = "x"\nchecksum = "aa"\n',
    '[[package]]\nname = "lz4-sys"\nversion = "1.11.1"\nchecksum = "bb"\n',
  ].join('\n');
  assert.equal(checksumOf('librocksdb-sys', lock), 'librocksdb-sys 0.19.0 aa');
  assert.equal(checksumOf('lz4-sys', lock), 'lz4-sys 1.11.1 bb');
});

test('every line of the list of sources is a file', () => {
  assert.equal(countFiles('a.cc\nb.cc\n\n'), 2);
});
