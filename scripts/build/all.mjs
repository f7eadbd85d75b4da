import { ensureRocksdb } from '../rocksdb/ensure.mjs';
import { step } from '../run/step.mjs';
import { ensureSetup } from '../setup/ensure.mjs';
import { addon, buildAddon } from './addon.mjs';
import { buildDist, dist } from './dist.mjs';
import { installPackages } from './packages.mjs';

/**
 * Builds what is not fresh, the addon with these cargo features. Where all is, neither Rust nor a compiler is asked for;
 * an addon that has more than is wanted is fresh too, unless `exactly` these features are.
 */
export async function build(features = [], { exactly = false } = {}) {
  const addonIsFresh = () => addon.isFresh(features, { exactly });
  if (addonIsFresh() && dist.isFresh()) return;
  const { env } = await ensureSetup('start', { features });
  await installPackages();
  if (!addonIsFresh()) {
    if (features.includes('rocksdb'))
      await step('Looking for RocksDB', (line) => ensureRocksdb({ env, line }));
    await step('Building the Rust addon (a few minutes the first time)', () => buildAddon({ env, features }));
  }
  if (!dist.isFresh()) await step('Building the JavaScript package', () => buildDist({ env }));
}
