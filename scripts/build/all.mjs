import { step } from '../run/step.mjs';
import { ensureSetup } from '../setup/ensure.mjs';
import { addon, buildAddon } from './addon.mjs';
import { buildDist, dist } from './dist.mjs';
import { installPackages } from './packages.mjs';

/** Builds what is not fresh. Where all is, neither Rust nor a compiler is asked for. */
export async function build() {
  if (addon.isFresh() && dist.isFresh()) return;
  const { env } = await ensureSetup('start');
  await installPackages();
  if (!addon.isFresh()) {
    await step('Building the Rust addon (a few minutes the first time)', () => buildAddon({ env }));
  }
  if (!dist.isFresh()) await step('Building the JavaScript package', () => buildDist({ env }));
}
