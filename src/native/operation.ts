/**
 * How an operation crosses into the addon: as the log has it (`docs/log-format.md`, "Operations"), so that a slab is the
 * content of a frame, and as what the log does not have. `crates/hit-log/src/encoded.rs` and `crates/hit-node/src/slab.rs` read
 * both.
 *
 * | first byte | operation | then |
 * |---|---|---|
 * | 1 to 7 | as in the log, but that no value has a checksum | |
 * | 0x10 | expire: the key is to have no expiry | key length, key |
 * | 0x14 | expire: the key is to have this expiry | key length, expiry (8 bytes), key |
 * | 0x15 | increment | key length, step (8 bytes), key |
 * | 0x12 | check: the key is there | key length, key |
 * | 0x13 | check: the key is not there | key length, key |
 * | 0x18 | check: the key has this value | key length, value length, key, value |
 * | 0x19 | set, with the expiry of what it replaces | key length, value length, key, value |
 *
 * Those from 0x10 on belong into batches: checks before all others, expire and increment alone. The latter two leave what they
 * answer in the first eight bytes: the sum, little-endian; 1 for an expiry that was set, or 0: no such key.
 */
import type { Bytes } from '../engine.js';

/** Behind the lengths there are eight bytes; of a delete-range: it has an end. */
const FLAG = 4;
/** Of those that the log does not have: there is a value. */
const VALUE = 8;

export const SET = 1;
export const SET_EXPIRING = SET | FLAG;
export const DELETE = 2;
export const DELETE_RANGE = 3;
export const DELETE_RANGE_TO_END = DELETE_RANGE | FLAG;
export const EXPIRE_NEVER = 0x10;
export const EXPIRE = EXPIRE_NEVER | FLAG;
export const INCREMENT = 0x11 | FLAG;
export const CHECK_EXISTS = 0x12;
export const CHECK_ABSENT = 0x13;
export const CHECK_EQUALS = 0x10 | VALUE;
export const SET_KEEPING_EXPIRY = 0x11 | VALUE;

/** The longest header: a kind, two lengths and eight bytes. */
export const MAX_HEADER_BYTES = 1 + 2 * 4 + 8;

/** A header of these two lengths is three characters, or, without a value, two. */
export const MAX_SHORT_LENGTH = 0x7f;

/** Whether there is a second part. */
export function hasValue(kind: number): boolean {
  return kind === SET || kind === SET_EXPIRING || kind === DELETE_RANGE_TO_END || (kind & VALUE) !== 0;
}

/** Whether eight bytes are behind the lengths. */
export function hasInteger(kind: number): boolean {
  return (kind & FLAG) !== 0 && kind !== DELETE_RANGE_TO_END;
}

/** The bytes of a header for parts of so many bytes. */
export function headerBytes(kind: number, keyBytes: number, valueBytes: number): number {
  const lengths = lengthBytes(keyBytes) + (hasValue(kind) ? lengthBytes(valueBytes) : 0);
  return 1 + lengths + (hasInteger(kind) ? 8 : 0);
}

function lengthBytes(length: number): number {
  if (length < 0x80) return 1;
  return length < 0x4000 ? 2 : length < 0x200000 ? 3 : 4;
}

/** Writes a header and returns where it ends. `low` and `high` are the halves of the eight bytes. */
export function writeHeader(
  bytes: Uint8Array,
  offset: number,
  kind: number,
  keyBytes: number,
  valueBytes: number,
  low: number,
  high: number,
): number {
  bytes[offset] = kind;
  let end = writeLength(bytes, offset + 1, keyBytes);
  if (hasValue(kind)) end = writeLength(bytes, end, valueBytes);
  if (!hasInteger(kind)) return end;
  for (const half of [low, high]) {
    for (let shift = 0; shift < 32; shift += 8) bytes[end++] = half >>> shift;
  }
  return end;
}

/** Seven bits a byte, the low ones first; the top bit says that more follow. */
function writeLength(bytes: Uint8Array, offset: number, length: number): number {
  let end = offset;
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
  bytes[end++] = rest;
  return end;
}

/** Headers as text, made when they are first needed. */
const SET_HEADERS: string[] = new Array((MAX_SHORT_LENGTH + 1) ** 2);
const DELETE_HEADERS: string[] = new Array(MAX_SHORT_LENGTH + 1);

/** The header of a set whose lengths are short, as characters. */
export function setHeader(keyBytes: number, valueBytes: number): string {
  const at = (keyBytes << 7) | valueBytes;
  const header = SET_HEADERS[at];
  if (header !== undefined) return header;
  const made = String.fromCharCode(SET, keyBytes, valueBytes);
  SET_HEADERS[at] = made;
  return made;
}

/** The header of a delete whose length is short, as characters. */
export function deleteHeader(keyBytes: number): string {
  const header = DELETE_HEADERS[keyBytes];
  if (header !== undefined) return header;
  const made = String.fromCharCode(DELETE, keyBytes);
  DELETE_HEADERS[keyBytes] = made;
  return made;
}

/** How many bytes a part has. */
export function byteLength(part: Bytes): number {
  return typeof part === 'string' ? Buffer.byteLength(part) : part.length;
}
