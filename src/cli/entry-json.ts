/** An entry as JSON: a line of a dump. Bytes that are not UTF-8 stand in base64 under `key64`, `value64`. */
import { isUtf8 } from 'node:buffer';

export interface EntryBytes {
  key?: Uint8Array;
  value?: Uint8Array;
  expiresAt?: number | undefined;
}

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
  return isUtf8(buffer)
    ? `"${name}":${JSON.stringify(buffer.toString('utf8'))}`
    : `"${name}64":"${buffer.toString('base64')}"`;
}
