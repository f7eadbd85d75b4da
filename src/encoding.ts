/// <reference lib="es2024.string" />
import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import type { Bytes, Raw } from './engine.js';
import { HitError, typeError } from './errors.js';
import { MAX_BYTES_PER_CHARACTER, MAX_KEY_BYTES, MAX_VALUE_BYTES } from './limits.js';
import type { Key } from './types.js';

/** How values enter and leave a store. `plain` codecs hand over what the engine reads as it is. */
export interface ValueCodec<V> {
  /** Whether the engine hands out text instead of bytes. */
  readonly text: boolean;
  readonly plain: boolean;
  /** Throws what is no value of this encoding; the result is well-formed and within the limit. */
  encode(value: V): Bytes;
  decode(raw: Raw, key?: Bytes): V;
}

const utf8: ValueCodec<string> = {
  text: true,
  plain: true,
  encode(value) {
    if (typeof value !== 'string') throw wrongValue(value, 'utf8', 'a string');
    if (!value.isWellFormed()) throw loneSurrogate('HIT_VALUE_INVALID', 'value');
    checkTextLength(value);
    return value;
  },
  decode: (raw) => raw as string,
};

const binary: ValueCodec<Uint8Array> = {
  text: false,
  plain: true,
  encode(value) {
    if (!types.isUint8Array(value)) throw wrongValue(value, 'binary', 'a Uint8Array');
    if (value.length > MAX_VALUE_BYTES) throw valueTooLarge(value.length);
    if (value.length === 0) refuseTransferred(value);
    return value;
  },
  decode: (raw) => raw as Uint8Array,
};

const json: ValueCodec<unknown> = {
  text: true,
  plain: false,
  encode(value) {
    if (types.isUint8Array(value)) throw wrongValue(value, 'json', 'a JSON value');
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch (cause) {
      throw new HitError(
        'HIT_VALUE_INVALID',
        `a value cannot be written as JSON: ${(cause as Error)?.message}`,
        { cause },
      );
    }
    if (text === undefined) throw wrongValue(value, 'json', 'a JSON value');
    checkTextLength(text);
    return text;
  },
  decode(raw, key) {
    try {
      return JSON.parse(raw as string);
    } catch (cause) {
      const where = key === undefined ? 'a stored value' : `the value under the key ${hexOf(key)} (in hex)`;
      throw new HitError(
        'HIT_VALUE_INVALID',
        `${where} is not JSON: open the store with the encoding it was written with`,
        { cause, keys: key === undefined ? [] : [nameKey(key)] },
      );
    }
  },
};

/** The codecs by the name of their encoding. */
export const VALUE_CODECS = { utf8, binary, json } as const;

/** Throws what is no key: another type, an empty or over-long one, a string with a lone surrogate. */
export function checkKey(key: unknown): asserts key is Key {
  const length = keyLength(key);
  if (length === 0) throw new HitError('HIT_KEY_INVALID', 'a key is empty: use 1 to 2,048 bytes');
  if (length * MAX_BYTES_PER_CHARACTER > MAX_KEY_BYTES) checkLongKey(key as Key);
}

/** The same where the empty key has a meaning, as a prefix has. */
export function checkPrefix(prefix: unknown): asserts prefix is Key {
  if (types.isUint8Array(prefix) && prefix.length === 0) refuseTransferred(prefix);
  if (keyLength(prefix) * MAX_BYTES_PER_CHARACTER > MAX_KEY_BYTES) checkLongKey(prefix as Key);
}

/** Throws bytes that are no key of a store whose keys come back as text. */
export function checkTextKey(key: Bytes): void {
  if (typeof key === 'string' || isUtf8(key)) return;
  throw new HitError(
    'HIT_KEY_INVALID',
    `the key ${quoteKey(key)} is not UTF-8: open the store with keyEncoding: 'binary' to use it`,
    {
      keys: [nameKey(key)],
    },
  );
}

/** A key as `error.keys` has it: text where it is UTF-8, else hex. */
export function nameKey(key: Bytes): string {
  if (typeof key === 'string') return key;
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'hex');
}

/** The bytes of a key in hex. */
function hexOf(key: Bytes): string {
  return Buffer.from(toBytes(key)).toString('hex');
}

/** A key as a message has it: quoted, and cut where it is long. */
export function quoteKey(key: Bytes): string {
  const name = nameKey(key);
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

/** The bytes that `bytes` stands for. */
export function toBytes(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}

/** A type as a message names it. */
export function nameType(value: unknown): string {
  if (value === null) return 'null';
  if (types.isUint8Array(value)) return 'bytes';
  return Array.isArray(value) ? 'an array' : typeof value;
}

function keyLength(key: unknown): number {
  if (typeof key === 'string') {
    if (!key.isWellFormed()) throw loneSurrogate('HIT_KEY_INVALID', 'key');
    return key.length;
  }
  if (types.isUint8Array(key)) return key.length;
  throw typeError(`a key is a string or a Uint8Array, not ${nameType(key)}`);
}

/** Measures only what may be too long: a code unit takes at most three bytes. */
function checkLongKey(key: Key): void {
  const bytes = typeof key === 'string' && key.length <= MAX_KEY_BYTES ? Buffer.byteLength(key) : key.length;
  if (bytes <= MAX_KEY_BYTES) return;
  const length = typeof key === 'string' ? Buffer.byteLength(key) : bytes;
  throw new HitError('HIT_KEY_INVALID', `a key has ${length} bytes: use 1 to 2,048, or a hash of it`);
}

/** Bytes whose buffer was transferred to another thread look empty, and are not there any more. */
function refuseTransferred(bytes: Uint8Array): void {
  try {
    new Uint8Array(bytes.buffer, 0, 0);
  } catch {
    throw typeError('the memory of these bytes was transferred away: use a copy');
  }
}

function checkTextLength(value: string): void {
  if (value.length * MAX_BYTES_PER_CHARACTER <= MAX_VALUE_BYTES) return;
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_VALUE_BYTES) throw valueTooLarge(bytes);
}

function valueTooLarge(bytes: number): HitError {
  return new HitError(
    'HIT_VALUE_TOO_LARGE',
    `a value has ${bytes} bytes, the most is ${MAX_VALUE_BYTES}: split it over several keys`,
  );
}

function wrongValue(value: unknown, encoding: string, wanted: string): TypeError {
  const remedy = value === undefined ? ': use delete to remove a key' : '';
  return typeError(`with valueEncoding '${encoding}' a value is ${wanted}, not ${nameType(value)}${remedy}`);
}

function loneSurrogate(code: 'HIT_KEY_INVALID' | 'HIT_VALUE_INVALID', what: string): HitError {
  return new HitError(
    code,
    `a ${what} holds a lone surrogate, which UTF-8 cannot carry: use toWellFormed() or bytes`,
  );
}
