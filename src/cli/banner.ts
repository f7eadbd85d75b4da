/** What `hitkv serve` says when it answers. */
import { resolve } from 'node:path';
import { parseUrl } from '../url.js';
import { reachable } from './http-address.js';

/** The address, where the data is, and two lines to try that work as they stand. */
export function banner(storeUrl: string, http: string): string {
  const base = `http://${reachable(http)}`;
  return [
    `hitkv answers on http://${http}`,
    `data: ${whereabouts(storeUrl)}`,
    'try:',
    `  curl -d '{"key":"hello","value":"world"}' ${base}/set`,
    `  curl '${base}/get?key=hello'`,
    '',
  ].join('\n');
}

function whereabouts(storeUrl: string): string {
  const location = parseUrl(storeUrl);
  if (location.kind === 'memory') return 'in memory only, gone when this ends';
  // A relative path means little to who reads this later, in a log.
  const path = resolve(location.path);
  return location.kind === 'file' ? path : `${location.kind}:${path}`;
}
