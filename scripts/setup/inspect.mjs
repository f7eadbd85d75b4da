import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { root } from '../root.mjs';
import { npmCommand } from '../run/npm.mjs';
import { cxxCompiler } from './cxx.mjs';
import { libclang } from './libclang.mjs';
import { lacking } from './rust.mjs';
import { rustupReachable } from './rustup.mjs';
import { compareVersions, meets, parseVersion } from './version.mjs';

const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
];

/** What this machine has, as plain data for `plan`. Slow or remote questions are asked only where the answer matters. */
export async function inspect(need) {
  const system = operatingSystem();
  const toolchains = await findToolchains(need);
  const complete = toolchains.some(
    (found) => meets(found.rustc, need.rust) && lacking(found, need).length === 0,
  );
  const apt = { usable: system.debian && onPath('apt-get') !== undefined, listed: false, candidates: {} };
  if (apt.usable && !complete) await askApt(apt);
  return {
    platform: process.platform,
    system,
    root: process.getuid?.() === 0,
    sudo: onPath('sudo') !== undefined,
    curl: onPath('curl') !== undefined,
    npm: await version(...npmCommand(['--version'])),
    compiler: await compiler(),
    cxx: need.rocksdb ? cxxCompiler() : { works: true },
    libclang: need.rocksdb ? libclang({ debian: apt.usable }) : { works: true },
    certificates:
      process.platform !== 'linux' ||
      [process.env.SSL_CERT_FILE, process.env.CARGO_HTTP_CAINFO, ...BUNDLES].some(
        (file) => file && existsSync(file),
      ),
    toolchains,
    rustup: {
      command: onPath('rustup', cargoHome()),
      reachable: complete ? false : await rustupReachable(),
    },
    apt,
  };
}

/** The environment in which `cargo` and `rustc` are those of a toolchain. */
export function environmentFor(toolchain) {
  if (!toolchain?.folder) return { ...process.env };
  return { ...process.env, PATH: toolchain.folder + delimiter + process.env.PATH };
}

/** The folder of rustup's and cargo's commands. */
export function cargoHome() {
  return join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin');
}

function operatingSystem() {
  if (process.platform !== 'linux') return { id: process.platform, version: '', debian: false };
  let text = '';
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch {}
  const field = (name) => new RegExp(`^${name}="?([^"\\n]*)`, 'm').exec(text)?.[1] ?? '';
  const family = [field('ID'), ...field('ID_LIKE').split(' ')];
  return {
    id: field('ID'),
    version: field('VERSION_ID'),
    debian: family.includes('debian') || family.includes('ubuntu'),
  };
}

/**
 * Toolchains in the order of preference: on PATH, cargo's own folder, rustup's toolchains, Debian's versioned ones.
 * The search ends at the first that has everything.
 */
async function findToolchains(need) {
  const rustupToolchains = join(process.env.RUSTUP_HOME ?? join(homedir(), '.rustup'), 'toolchains');
  const places = [
    {},
    { folder: cargoHome(), rustup: true },
    ...folders(rustupToolchains).map((name) => ({
      folder: join(rustupToolchains, name, 'bin'),
      rustup: name,
    })),
    ...folders('/usr/lib')
      .filter((name) => /^rust-\d/.test(name))
      .map((name) => ({
        folder: join('/usr/lib', name, 'bin'),
        family: `rustc-${name.slice('rust-'.length)}`,
      })),
  ];
  const found = [];
  for (const place of places) {
    const toolchain = await look(place, need);
    if (!toolchain) continue;
    found.push(toolchain);
    if (meets(toolchain.rustc, need.rust) && lacking(toolchain, need).length === 0) break;
  }
  return found;
}

async function look(place, need) {
  const rustcPath = onPath('rustc', place.folder, place.folder !== undefined);
  if (!rustcPath) return undefined;
  const env = environmentFor(place);
  const rustc = await version('rustc', ['--version'], env);
  if (!rustc) return undefined;
  const component = (name, command) =>
    need.components.includes(name) ? version('cargo', [command, '--version'], env) : '';
  return {
    ...place,
    place: dirname(rustcPath),
    rustup: place.rustup ?? (dirname(rustcPath) === cargoHome() ? true : undefined),
    family: place.family ?? (await packagedAs(rustcPath)),
    rustc,
    cargo: await version('cargo', ['--version'], env),
    clippy: await component('clippy', 'clippy'),
    rustfmt: await component('rustfmt', 'fmt'),
  };
}

/** Which of the system's packages a rustc in /usr/bin comes from. */
async function packagedAs(rustcPath) {
  if (dirname(rustcPath) !== '/usr/bin' || !onPath('dpkg-query')) return undefined;
  const owner = await output('dpkg-query', ['--search', rustcPath]);
  return /^(rustc[^:]*):/.exec(owner)?.[1];
}

function folders(folder) {
  try {
    return readdirSync(folder).sort((a, b) => compareVersions(b, a) || (a < b ? -1 : 1));
  } catch {
    return [];
  }
}

/** Compiles and links a program: a compiler without the C library's files is found here and not by cargo. */
async function compiler() {
  if (process.platform === 'win32') return { works: true };
  if (!onPath('cc')) return { works: false, problem: 'cc was not found' };
  const folder = mkdtempSync(join(tmpdir(), 'hitkv-setup-'));
  try {
    const source = join(folder, 'empty.c');
    writeFileSync(source, '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n');
    await output('cc', [source, '-o', join(folder, 'empty')], process.env, true);
    return { works: true };
  } catch {
    return {
      works: false,
      problem: 'cc is there but cannot build a program: the C library’s files are missing',
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function askApt(apt) {
  const versioned = (await output('apt-cache', ['pkgnames', 'rustc-']))
    .split('\n')
    .filter((name) => /^rustc-\d[\d.]*$/.test(name));
  const policy = await output('apt-cache', ['policy', 'gcc', 'rustc', 'rustc-web', ...versioned], {
    ...process.env,
    LC_ALL: 'C',
  });
  for (const [, name, candidate] of policy.matchAll(/^(\S+):\n.*\n\s+Candidate: (\S+)/gm)) {
    if (candidate !== '(none)') apt.candidates[name] = candidate;
  }
  apt.listed = apt.candidates.gcc !== undefined;
}

function onPath(command, folder, only = false) {
  const inherited = only ? [] : (process.env.PATH ?? '').split(delimiter);
  const names = process.platform === 'win32' ? [`${command}.exe`, `${command}.cmd`] : [command];
  for (const candidate of [...(folder ? [folder] : []), ...inherited].flatMap((dir) =>
    names.map((name) => join(dir, name)),
  )) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {}
  }
  return undefined;
}

async function version(command, args, env) {
  return parseVersion(await output(command, args, env))?.join('.');
}

function output(command, args, env = process.env, strict = false) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env, cwd: root, timeout: 60_000 }, (error, stdout) => {
      if (error && strict) reject(error);
      else resolve(error ? '' : stdout);
    });
  });
}
