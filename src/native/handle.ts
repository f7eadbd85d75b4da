import { HitError } from '../errors.js';
import { engineOf } from '../store.js';
import type { NativeStore } from './binding.js';
import { NativeEngine } from './engine.js';

/** The addon's object behind an open store, for what the addon starts on top of it, as a server. */
export function nativeStore(store: object): NativeStore {
  const engine = engineOf(store);
  if (engine instanceof NativeEngine) return engine.native;
  throw new HitError(
    'HIT_UNSUPPORTED',
    `${engine.url} does not run on the native engine: open it without HITKV_ENGINE`,
  );
}
