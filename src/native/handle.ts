import { KeySpace } from '../keyspace.js';
import { dumpRequest, loadRequest } from '../options.js';
import { engineOf } from '../store.js';
import type { DumpOptions, LoadOptions } from '../types.js';
import type { NativeStore } from './binding.js';
import { NativeEngine, notNativeError } from './engine.js';

/** The addon's object behind an open store, for what the addon starts on top of it, as a server. */
export function nativeStore(store: object): NativeStore {
  return nativeEngine(store).native;
}

/** `load` from the standard input, whose format has to be given. Node.js must not read from it too. */
export async function loadInput(
  store: object,
  options: LoadOptions,
): Promise<{ loaded: number; skipped: number }> {
  const { skipBad = false, ...request } = loadRequest(options);
  return nativeEngine(store).load(undefined, { ...request, skipBad, jsonValues: false });
}

/** `dump` to the standard output, as NDJSON where no format is given. */
export async function dumpOutput(store: object, options?: DumpOptions): Promise<{ dumped: number }> {
  const { range, ...request } = dumpRequest(options);
  return nativeEngine(store).dump(undefined, new KeySpace(true).range(range), request);
}

function nativeEngine(store: object): NativeEngine {
  const engine = engineOf(store);
  if (engine instanceof NativeEngine) return engine;
  throw notNativeError(engine.url);
}
