import { join } from 'node:path';
import { root } from '../root.mjs';
import { runCommand } from '../run/command.mjs';
import { filesUnder, freshness } from './freshness.mjs';

const FOLDER = 'src/native';

/** The addon: crates/hit-node as src/native/hitkv.<platform>.node, with the generated binding and its types beside it. */
export const addon = freshness('addon', {
  sources: () => ['Cargo.toml', 'Cargo.lock', 'package-lock.json', ...filesUnder('crates', /\.(rs|toml)$/)],
  outputs: () => [`${FOLDER}/native.cjs`, `${FOLDER}/native.d.ts`, ...binaries()],
});

function binaries() {
  const found = filesUnder(FOLDER, /^hitkv\..*\.node$/);
  if (found.length === 0) throw new Error(`${FOLDER} holds no binary`);
  return found;
}

/** Builds the addon, with these cargo features, in the profile that tests use too, so that little is compiled twice. */
export function buildAddon({ features = [], ...options } = {}) {
  const args = ['build', '--release', '--platform'];
  args.push(
    '--manifest-path',
    'crates/hit-node/Cargo.toml',
    '--package',
    'hit-node',
    '--package-json-path',
    'package.json',
  );
  args.push('--output-dir', FOLDER, '--js', 'native.cjs', '--dts', 'native.d.ts');
  if (features.length > 0) args.push('--features', features.join(' '));
  const napi = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js');
  return addon.around(() => runCommand(process.execPath, [napi, ...args], options), features);
}
