import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../run/command.mjs';

const PROBE_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;
const TARGETS = {
  'linux x64': 'x86_64-unknown-linux-gnu',
  'linux arm64': 'aarch64-unknown-linux-gnu',
  'darwin x64': 'x86_64-apple-darwin',
  'darwin arm64': 'aarch64-apple-darwin',
};

/** The address of rustup's installer for this platform, or nothing. RUSTUP_UPDATE_ROOT names a mirror, as for rustup itself. */
function installerAddress() {
  const target = TARGETS[`${process.platform} ${process.arch}`];
  const server = process.env.RUSTUP_UPDATE_ROOT ?? 'https://static.rust-lang.org/rustup';
  return target && `${server}/dist/${target}/rustup-init`;
}

async function download(address, timeoutMs) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}

/** Whether rustup can be downloaded from here. */
export async function rustupReachable() {
  const address = installerAddress();
  if (!address) return false;
  return download(`${address}.sha256`, PROBE_TIMEOUT_MS).then(
    () => true,
    () => false,
  );
}

/** Downloads rustup's installer, checks it against its published hash and installs the stable toolchain for this user. */
export async function installRustup() {
  const address = installerAddress();
  const published = (await download(`${address}.sha256`, DOWNLOAD_TIMEOUT_MS))
    .toString('utf8')
    .trim()
    .split(/\s+/)[0];
  const installer = await download(address, DOWNLOAD_TIMEOUT_MS);
  const hash = createHash('sha256').update(installer).digest('hex');
  if (hash !== published)
    throw new Error(`${address} has the hash ${hash}, published is ${published}: not run`);
  const folder = mkdtempSync(join(tmpdir(), 'hitkv-rustup-'));
  try {
    const file = join(folder, 'rustup-init');
    writeFileSync(file, installer);
    chmodSync(file, 0o755);
    return await runCommand(file, [
      ...['-y', '--no-modify-path', '--profile', 'minimal', '--default-toolchain', 'stable'],
      ...['-c', 'clippy', '-c', 'rustfmt'],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
