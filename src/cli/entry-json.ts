/** An entry as JSON: a line of a dump. Bytes that are not UTF-8 stand in base64 under `key64`, `value64`. */
import { isUtf8 } from 'node:buffer';

export interface EntryBytes {
  key?: Uint8Array;
  value?: Uint8Array;
  expiresAt?: number | undefined;
}

/** From here on it matters whether escapes make text longer than base64: it could be more than a string can hold. */
const LARGE_BYTES = 1024 * 1024;

/** One line, without its end. */
export function entryJson({ key, value, expiresAt }: EntryBytes): string {
  const members: string[] = [];
  if (key) members.push(member('key', key));
  if (value) members.push(member('value', value));
  if (expiresAt !== undefined) members.push(`"expiresAt":${expiresAt}`);
  return `{${members.join(',')}}`;
}

function member(name: string, bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isUtf8(buffer) && !isMostlyEscapes(buffer)
    ? `"${name}":${JSON.stringify(buffer.toString('utf8'))}`
    : `"${name}64":"${buffer.toString('base64')}"`;
}

function isMostlyEscapes(bytes: Uint8Array): boolean {
  if (bytes.length < LARGE_BYTES) return false;
  let more = 0;
  // A control character takes six characters, a quote or a backslash two.
  for (const byte of bytes) more += byte < 0x20 ? 5 : byte === 0x22 || byte === 0x5c ? 1 : 0;
  return more > bytes.length / 3;
}
