import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.mjs';

/** The text of Cargo.toml to the oldest Rust it accepts. */
export function rustVersion(cargoToml) {
  const found = /^rust-version\s*=\s*"([\d.]+)"/m.exec(cargoToml);
  if (!found) throw new Error('Cargo.toml has no rust-version: add one to [workspace.package]');
  return found[1];
}

/** What a command needs of the machine. `npm start` builds; `npm test` also lints and formats, and builds every storage. */
export function requirements(purpose, features = []) {
  const tests = purpose === 'test';
  return {
    rust: rustVersion(readFileSync(join(root, 'Cargo.toml'), 'utf8')),
    components: tests ? ['clippy', 'rustfmt'] : [],
    rocksdb: tests || features.includes('rocksdb'),
  };
}
