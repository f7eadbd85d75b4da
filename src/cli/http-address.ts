import { InvalidArgumentError } from 'commander';

/** Where HTTP answers unless told otherwise: this machine only. */
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = '8080';

/** Checks the value of `--http`: `host:port`, or `off`. */
export function parseHttpAddress(value: string): string {
  if (value === 'off') return value;
  const [, host, port] = /^(.+):(\d+)$/.exec(value) ?? [];
  if (host === undefined || !isPort(port)) {
    throw new InvalidArgumentError('Use host:port, for example 127.0.0.1:8080, or off.');
  }
  return value;
}

/** The address for the value of the environment variable `PORT`; undefined where that is no port. */
export function addressOfPort(port: string | undefined): string | undefined {
  const chosen = port || DEFAULT_PORT;
  return isPort(chosen) ? `${DEFAULT_HOST}:${chosen}` : undefined;
}

/** An address that a client on this machine can use, for one that stands for all of its networks. */
export function reachable(http: string): string {
  return http.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

function isPort(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}
