import { fileURLToPath } from 'node:url';
import { nameType } from './encoding.js';
import { HitError, typeError } from './errors.js';

/** Where a store is, taken apart. */
export type Location =
  | { readonly kind: 'memory' }
  | { readonly kind: 'file' | 'rocksdb'; readonly path: string };

/** Storages that have a name in this URL space and are not built into this version. */
const NOT_BUILT = new Set(['postgres', 'postgresql', 'cassandra']);

const USE = 'use memory:, a path, file:path or rocksdb:path';

/** Two or more letters before the first colon; `C:\data` and `./a:b` are paths. */
const SCHEME = /^([a-z]{2,}):/i;

/**
 * Reads what `open` was given: `memory:`, a path, `file:path` or `rocksdb:path` (a literal path, relative to the working
 * directory, without percent-decoding), `file:///…` and `rocksdb:///…` or a `URL` object (all through `fileURLToPath`).
 */
export function parseUrl(url: unknown): Location {
  if (url instanceof URL) return parseUrlObject(url);
  if (typeof url === 'string') return parseText(url);
  throw typeError(`a store is opened by a path or a URL, not by ${url === null ? 'null' : typeof url}`);
}

/** The path of a file or folder that `call` reads or writes, given in one of the forms that `open` takes. */
export function parsePath(url: unknown, call: string): string {
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw typeError(`${call} takes a path or a file: URL, not ${nameType(url)}`);
  }
  const location = parseUrl(url);
  if (location.kind === 'file') return location.path;
  throw configError(`${call} takes a path or a file: URL, and ${location.kind}: is neither`);
}

/** The form in which an engine is told the location, and a store tells it. */
export function formatUrl(location: Location): string {
  return location.kind === 'memory' ? 'memory:' : `${location.kind}:${location.path}`;
}

function parseUrlObject(url: URL): Location {
  const { href, protocol } = url;
  if (protocol === 'file:') return urlPath('file', href);
  // One without a slash is relative, which only a path can be.
  if (protocol === 'rocksdb:' && url.pathname.startsWith('/')) {
    return urlPath('rocksdb', `file:${href.slice(protocol.length)}`);
  }
  return parseText(href);
}

function parseText(text: string): Location {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return path('file', text);
  const rest = text.slice(scheme.length + 1);
  if (scheme === 'file' || scheme === 'rocksdb') {
    return rest.startsWith('//') ? urlPath(scheme, `file:${rest}`) : path(scheme, rest);
  }
  if (scheme === 'memory') {
    if (rest === '') return { kind: 'memory' };
    throw configError('memory: names no store, every open makes a new one: leave out what follows the colon');
  }
  if (NOT_BUILT.has(scheme)) {
    throw new HitError(
      'HIT_UNSUPPORTED',
      `${scheme}: is a storage that is not built into this version: ${USE}`,
    );
  }
  throw configError(`the URL scheme ${scheme}: is unknown: ${USE} (./${scheme}:… for a folder of that name)`);
}

function urlPath(kind: 'file' | 'rocksdb', url: string): Location {
  try {
    return path(kind, fileURLToPath(url));
  } catch (cause) {
    if (HitError.is(cause)) throw cause;
    throw configError(
      `not a ${kind} URL of this machine: ${(cause as Error).message}; use ${kind}:///absolute/path or ${kind}:relative/path`,
      cause,
    );
  }
}

function path(kind: 'file' | 'rocksdb', text: string): Location {
  if (text === '') throw configError('the path of a store is empty: name a folder, for example ./data');
  if (text.includes('\0'))
    throw configError('the path of a store holds a NUL character, which no file system allows');
  if (!text.isWellFormed())
    throw configError('the path of a store holds a lone surrogate, which no file system can name');
  return { kind, path: text };
}

function configError(message: string, cause?: unknown): HitError {
  return new HitError('HIT_CONFIG', message, { cause });
}
