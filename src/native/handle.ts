import type { EngineDumpOptions, EngineLoadOptions, KeyRange } from '../engine.js';
import { engineOf } from '../store.js';
import type { NativeStore } from './binding.js';
import { NativeEngine, notNativeError } from './engine.js';

/** The addon's object behind an open store, for what the addon starts on top of it, as a server. */
export function nativeStore(store: object): NativeStore {
  return nativeEngine(store).native;
}

/** Loads what the standard input holds, whose format has to be given. */
export function loadInput(
  store: object,
  options: EngineLoadOptions,
): Promise<{ loaded: number; skipped: number }> {
  return nativeEngine(store).load(undefined, options);
}

/** Dumps to the standard output, as NDJSON where no format is given. */
export function dumpOutput(
  store: object,
  range: KeyRange,
  options: EngineDumpOptions,
): Promise<{ dumped: number }> {
  return nativeEngine(store).dump(undefined, range, options);
}

function nativeEngine(store: object): NativeEngine {
  const engine = engineOf(store);
  if (engine instanceof NativeEngine) return engine;
  throw notNativeError(engine.url);
}
