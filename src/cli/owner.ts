/** Who has a store, as its folder says. For messages only: the lock decides, not this. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseUrl } from '../url.js';
import { reachable } from './http-address.js';

/** The address of the server that has the store, `http://host:port` as a client on this machine can use it. */
export async function serverOf(url: string): Promise<string | undefined> {
  try {
    const location = parseUrl(url);
    if (location.kind === 'memory') return undefined;
    const { address } = JSON.parse(await readFile(join(location.path, 'OWNER'), 'utf8')) as {
      address?: unknown;
    };
    const [, host] = /^http:\/\/([\w.:[\]-]+)$/.exec(String(address)) ?? [];
    return host === undefined ? undefined : `http://${reachable(host)}`;
  } catch {
    // It may have ended meanwhile, or be written at this moment.
    return undefined;
  }
}
