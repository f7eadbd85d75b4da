import { verifyNative } from './native/engine.js';
import { progressRequest } from './options.js';
import type { ProgressOptions, VerifyReport } from './types.js';
import { formatUrl, parseUrl } from './url.js';

/**
 * Checks everything that a store has on disk without opening it, and so also one that does not open: `open` ends at the
 * first damage, this goes on and names all of it. It takes no lock, changes nothing, and works beside a program that has
 * the store open; what that one writes meanwhile may be checked or not. `memory:` has nothing to check.
 *
 * @throws `HIT_CONFIG` where there is no such store; `HIT_IO` where it cannot be read at all; `HIT_ABORTED`;
 * `HIT_UNSUPPORTED`; a `TypeError` with code `HIT_ARGUMENT` for a wrong option. Damage is no error.
 * @example
 * const { ok, problems } = await verify('./data');
 * if (!ok) for (const { file, offset, message } of problems) console.error(`${file}:${offset}: ${message}`);
 */
export async function verify(url: string | URL, options?: ProgressOptions): Promise<VerifyReport> {
  const location = parseUrl(url);
  const request = progressRequest(options);
  if (location.kind === 'memory') return { ok: true, bytes: 0, problems: [] };
  return verifyNative(formatUrl(location), request);
}
