import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe as text } from './describe.mjs';
import { plan } from './plan.mjs';
import { requirements } from './requirements.mjs';

const need = { rust: '1.89', components: ['clippy', 'rustfmt'] };
const complete = { place: '/usr/bin', rustc: '1.96.0', cargo: '1.96.0', clippy: '0.1.96', rustfmt: '1.9.0' };
const apt = {
  usable: true,
  listed: true,
  candidates: { gcc: '4:12.2.0-3', rustc: '1.63.0+dfsg1-2', 'rustc-web': '1.96.0+dfsg1-1~deb12u2' },
};
const noApt = { usable: false, listed: false, candidates: {} };

/** A Debian 12 that has everything, but for what a test changes. */
function machine(changes = {}) {
  return {
    platform: 'linux',
    system: { id: 'debian', version: '12', debian: true },
    root: false,
    sudo: true,
    curl: true,
    npm: '10.8.2',
    compiler: { works: true },
    cxx: { works: true },
    libclang: { works: true },
    certificates: true,
    toolchains: [complete],
    rustup: { command: undefined, reachable: true },
    apt,
    ...changes,
  };
}

test('a machine that has everything gets no line', () => {
  const { missing, steps, line, toolchain } = plan(machine(), need);
  assert.deepEqual({ missing, steps, line }, { missing: [], steps: [], line: '' });
  assert.equal(toolchain, complete);
});

test('a bare machine gets one line that installs the compiler and then Rust', () => {
  const bare = machine({
    compiler: { works: false, problem: 'cc was not found' },
    toolchains: [],
    curl: false,
  });
  const { missing, steps, line } = plan(bare, need);
  assert.equal(missing.length, 2);
  assert.deepEqual(steps, [
    { kind: 'apt', packages: ['gcc', 'libc6-dev'] },
    { kind: 'rustup', install: true },
  ]);
  assert.match(
    line,
    /^sudo apt-get update && sudo apt-get install -y \S+ gcc libc6-dev curl && curl .* \| sh -s -- -y .*clippy -c rustfmt$/,
  );
});

test('where rustup cannot be downloaded Debian’s rustc-web and its tools are installed, and plain rustc is named as too old', () => {
  const offline = machine({ toolchains: [], rustup: { command: undefined, reachable: false } });
  const { missing, steps, line } = plan(offline, need);
  const packages = ['rustc-web', 'cargo-web', 'rust-web-clippy', 'rustfmt-web'];
  assert.deepEqual(steps, [{ kind: 'apt', packages }]);
  assert.equal(
    line,
    `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`,
  );
  assert.match(
    missing[0].problem,
    /not found; this system's package rustc \(1\.63\.0\) is too old and not used/,
  );
});

test('on Debian 12 rustc-web is assumed while the lists of packages do not show a new one, once', () => {
  const rustup = { command: undefined, reachable: false };
  const unlisted = { usable: true, listed: false, candidates: {} };
  const { steps } = plan(machine({ toolchains: [], rustup, apt: unlisted }), need);
  assert.equal(steps[0].packages[0], 'rustc-web');
  const stale = { ...apt, candidates: { gcc: '4:12.2.0-3', 'rustc-web': '1.85.0' } };
  const { steps: again } = plan(machine({ toolchains: [], rustup, apt: stale }), need);
  assert.deepEqual(again, [
    { kind: 'apt', packages: ['rustc-web', 'cargo-web', 'rust-web-clippy', 'rustfmt-web'] },
  ]);
  const installed = { ...complete, rustc: '1.85.0', family: 'rustc-web' };
  assert.deepEqual(plan(machine({ toolchains: [installed], rustup, apt: stale }), need).steps, []);
  const ubuntu = machine({
    toolchains: [],
    rustup,
    apt: unlisted,
    system: { id: 'ubuntu', version: '24.04', debian: true },
  });
  assert.deepEqual(plan(ubuntu, need).steps, [{ kind: 'apt', packages: [] }]);
  assert.equal(plan(ubuntu, need).line, 'sudo apt-get update');
});

test('of Ubuntu’s versioned packages the newest is taken', () => {
  const candidates = {
    gcc: '4:13',
    rustc: '1.75.0',
    'rustc-1.80': '1.80.1',
    'rustc-1.89': '1.89.0',
    'rustc-1.91': '1.91.1',
  };
  const ubuntu = machine({
    system: { id: 'ubuntu', version: '24.04', debian: true },
    toolchains: [],
    rustup: { reachable: false },
    apt: { usable: true, listed: true, candidates },
  });
  assert.deepEqual(plan(ubuntu, need).steps[0].packages, [
    'rustc-1.91',
    'cargo-1.91',
    'rust-1.91-clippy',
    'rustfmt-1.91',
  ]);
});

test('an old Rust is named and does not count', () => {
  const old = { ...complete, rustc: '1.63.0', cargo: '1.63.0' };
  const { missing, steps } = plan(machine({ toolchains: [old] }), need);
  assert.match(missing[0].problem, /1\.63\.0 in \/usr\/bin is too old/);
  assert.deepEqual(steps, [{ kind: 'rustup', install: true }]);
});

test('an old toolchain of an installed rustup is left alone and stable is added', () => {
  const old = { ...complete, rustc: '1.80.0', cargo: '1.80.0', rustup: true };
  const rustup = { command: '/home/a/.cargo/bin/rustup', reachable: true };
  const { line } = plan(machine({ toolchains: [old], rustup }), need);
  assert.equal(line, 'rustup toolchain install stable --profile minimal -c clippy -c rustfmt');
});

test('what a toolchain lacks is added from where the toolchain came', () => {
  const lacks = { ...complete, clippy: undefined };
  const rustup = { command: '/home/a/.cargo/bin/rustup', reachable: true };
  assert.equal(
    plan(machine({ toolchains: [{ ...lacks, rustup: true }], rustup }), need).line,
    'rustup component add clippy',
  );
  const named = { ...lacks, rustup: 'stable-x86_64-unknown-linux-gnu' };
  assert.match(
    plan(machine({ toolchains: [named], rustup }), need).line,
    /add --toolchain stable-x86_64\S+ clippy$/,
  );
  const debian = machine({ toolchains: [{ ...lacks, family: 'rustc-web' }] });
  assert.deepEqual(plan(debian, need).steps, [{ kind: 'apt', packages: ['rust-web-clippy'] }]);
});

test('what RocksDB needs comes with the same line', () => {
  const lacking = {
    cxx: { works: false, problem: 'c++ was not found' },
    libclang: { works: false, problem: 'not found' },
  };
  const { missing, steps, line } = plan(machine(lacking), need);
  assert.deepEqual(
    missing.map(({ what }) => what),
    ['a C++ compiler, for RocksDB', 'libclang, for RocksDB'],
  );
  assert.deepEqual(steps, [{ kind: 'apt', packages: ['g++', 'libclang-dev'] }]);
  assert.match(line, /apt-get install -y --no-install-recommends g\+\+ libclang-dev$/);
  const mac = machine({ ...lacking, platform: 'darwin', apt: noApt });
  assert.match(plan(mac, need).notes.join('\n'), /C\+\+ compiler: xcode-select.*\nlibclang: xcode-select/);
});

test('RocksDB’s needs are asked for where it is built', () => {
  assert.equal(requirements('start').rocksdb, false);
  assert.equal(requirements('start', ['rocksdb']).rocksdb, true);
  assert.equal(requirements('test').rocksdb, true);
});

test('npm start asks for neither clippy nor rustfmt', () => {
  const lean = { ...complete, clippy: undefined, rustfmt: undefined };
  assert.deepEqual(plan(machine({ toolchains: [lean] }), { rust: '1.89', components: [] }).missing, []);
});

test('a complete toolchain is preferred to an earlier one that lacks something', () => {
  const first = { ...complete, place: '/usr/bin', rustfmt: undefined };
  const second = { ...complete, place: '/home/a/.cargo/bin' };
  assert.equal(plan(machine({ toolchains: [first, second] }), need).toolchain, second);
});

test('root needs no sudo, and where there is none su is used', () => {
  const compiler = { works: false, problem: 'cc was not found' };
  assert.match(plan(machine({ root: true, compiler }), need).line, /^apt-get update && apt-get install/);
  assert.match(
    plan(machine({ sudo: false, compiler }), need).line,
    /^su -c 'apt-get update && apt-get install .*'$/,
  );
});

test('other systems get names and links', () => {
  const mac = machine({
    platform: 'darwin',
    system: { id: 'darwin', version: '', debian: false },
    compiler: { works: false, problem: 'cc was not found' },
    toolchains: [],
    rustup: { reachable: false },
    apt: noApt,
  });
  const { steps, line, notes } = plan(mac, need);
  assert.deepEqual([steps, line], [[], '']);
  assert.match(notes.join('\n'), /xcode-select --install[\s\S]*https:\/\/www\.rust-lang\.org/);
});

test('missing certificates and a missing npm are mended too', () => {
  const { steps } = plan(machine({ certificates: false, npm: undefined }), need);
  assert.deepEqual(steps, [{ kind: 'apt', packages: ['npm', 'ca-certificates'] }]);
});

test('what is printed names every part, the line and --yes', () => {
  const offline = machine({
    compiler: { works: false, problem: 'cc was not found' },
    toolchains: [],
    rustup: { reachable: false },
  });
  const planned = plan(offline, need);
  const printed = text({ ...planned, installing: false, mayInstall: true });
  assert.match(printed, /a C compiler and linker {2}cc was not found\n {2}Rust 1\.89 or newer/);
  assert.ok(printed.includes(`\n  ${planned.line}\n`));
  assert.match(printed, /node scripts\/setup\.mjs --yes$/);
  assert.doesNotMatch(text({ ...planned, installing: false, mayInstall: false }), /--yes/);
  assert.doesNotMatch(text({ ...planned, installing: true, mayInstall: true }), /--yes/);
});
