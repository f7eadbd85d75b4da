/** What `hitkv serve` says when it answers. */
import { resolve } from 'node:path';

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
  if (storeUrl === 'memory:') return 'in memory only, gone when this ends';
  // A relative path means little to who reads this later, in a log.
  return resolve(storeUrl.replace(/^file:/, ''));
}

/** An address that a client on this machine can use, for one that stands for all of its networks. */
function reachable(http: string): string {
  return http.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}
