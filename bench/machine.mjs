import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

function versionOf(packageJson) {
  try {
    return JSON.parse(readFileSync(packageJson, 'utf8')).version;
  } catch {
    return 'unknown';
  }
}

const packages = ['lmdb', 'classic-level', '@nxtedition/rocksdb', 'rocksdb-native', 'mitata'];

/** What the figures were taken on. */
export function describeMachine(options) {
  const installed = (name) => versionOf(new URL(`./node_modules/${name}/package.json`, import.meta.url));
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    hitkv: versionOf(join(dirname(options.hitkv), '..', 'package.json')),
    packages: Object.fromEntries(packages.map((name) => [name, installed(name)])),
    load: loadavg()[0].toFixed(1),
  };
}
