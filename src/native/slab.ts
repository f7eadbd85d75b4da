/**
 * The buffer in which operations cross into the addon, in the form of `operation.ts`.
 *
 * Text is gathered: headers, keys and values of many operations become one string, which is written by one call. That is
 * three to five times faster than a call for each. Where a header's bytes are no characters it is left out with room for it, and
 * put in when the text has been written. Only where that were more bytes than characters, so where some were not ASCII, is the
 * stretch written again, one by one; then some operations are not gathered at all, since such text seldom comes alone.
 */
import type { Bytes } from '../engine.js';
import { HitError } from '../errors.js';
import { MAX_BYTES_PER_CHARACTER, MAX_FRAME_BYTES } from '../limits.js';
import {
  byteLength,
  deleteHeader,
  hasValue,
  headerBytes,
  MAX_HEADER_BYTES,
  MAX_SHORT_LENGTH,
  setHeader,
  writeHeader,
} from './operation.js';
import { writeText } from './text.js';

/** Between 16 KiB and 1 MiB the size matters little; this one stays in a core's second cache. */
const SLAB_BYTES = 128 * 1024;
/** Characters gathered before they are written: larger does not get faster. */
const GATHERED_CHARACTERS = 1024;
/** What is left free for what is gathered and for another operation that can be, whatever their characters. */
const FREE_BYTES = 2 * (GATHERED_CHARACTERS + MAX_HEADER_BYTES) * MAX_BYTES_PER_CHARACTER;
/** Operations that are not gathered behind a stretch that was not ASCII. */
const NOT_GATHERED = 256;

/** Room for headers in gathered text. */
const ROOMS = Array.from({ length: MAX_HEADER_BYTES + 1 }, (_, bytes) => '\0'.repeat(bytes));

/** A header that is put in when the text has been written. Lengths are in characters, as is its place in the text. */
interface Left {
  at: number;
  kind: number;
  key: number;
  value: number;
  low: number;
  high: number;
}

/** Gathers operations until they are submitted. What does not fit makes it grow, until it is cleared. */
export class Slab {
  readonly #ownBytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #bytes: Buffer = this.#ownBytes;
  #lastToGather = SLAB_BYTES - FREE_BYTES;
  #byteCount = 0;
  #isEmpty = true;

  /** What is gathered, its length, and the headers that it has only room for. */
  #text = '';
  #characters = 0;
  readonly #left: Left[] = [];
  /** So many of the next operations are not gathered. */
  #singly = 0;

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Right after `finish`. */
  get byteCount(): number {
    return this.#byteCount;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether an operation made the buffer larger than it stays; it is to be submitted at once. */
  get grown(): boolean {
    return this.#bytes !== this.#ownBytes;
  }

  /** Adds a set of short text; false, and nothing is added, where it is not, or there is no room for it. */
  tryAddSet(key: Bytes, value: Bytes): boolean {
    if (typeof key !== 'string' || typeof value !== 'string') return false;
    const keyLength = key.length;
    const valueLength = value.length;
    if (keyLength > MAX_SHORT_LENGTH || valueLength > MAX_SHORT_LENGTH || !this.#gathers()) return false;
    this.#gather(setHeader(keyLength, valueLength) + key + value, keyLength + valueLength + 3);
    return true;
  }

  /** The same for a delete. */
  tryAddDelete(key: Bytes): boolean {
    if (typeof key !== 'string' || key.length > MAX_SHORT_LENGTH || !this.#gathers()) return false;
    this.#gather(deleteHeader(key.length) + key, key.length + 2);
    return true;
  }

  /** Whether an operation has room whatever its characters turn out to be. */
  fits(key: Bytes, value: Bytes): boolean {
    const most = this.#characters + key.length + value.length + MAX_HEADER_BYTES;
    return this.#byteCount + most * MAX_BYTES_PER_CHARACTER <= this.#bytes.length;
  }

  /**
   * Makes room by a larger buffer, which is not kept.
   *
   * @throws `HIT_BATCH_TOO_LARGE` where what it would hold cannot lie in one frame.
   */
  grow(key: Bytes, value: Bytes): void {
    this.finish();
    const filled = this.#byteCount + byteLength(key) + byteLength(value);
    if (filled > MAX_FRAME_BYTES) {
      throw new HitError(
        'HIT_BATCH_TOO_LARGE',
        `a batch has more than ${MAX_FRAME_BYTES} bytes of keys and values: split it into several`,
      );
    }
    const needed = filled + FREE_BYTES;
    const doubled = this.#byteCount === 0 ? 0 : Math.min(2 * this.#bytes.length, 2 * MAX_FRAME_BYTES);
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, doubled));
    bytes.set(this.#bytes.subarray(0, this.#byteCount));
    this.#bytes = bytes;
    this.#lastToGather = bytes.length - FREE_BYTES;
  }

  /** Adds any operation, for which there is room. `low` and `high`: the halves of a 64-bit integer, where it has one. */
  add(kind: number, key: Bytes, value: Bytes, low = 0, high = 0): void {
    this.#isEmpty = false;
    if (typeof key === 'string' && typeof value === 'string' && this.#singly === 0) {
      const header = headerBytes(kind, key.length, value.length);
      const characters = header + key.length + value.length;
      if (characters <= GATHERED_CHARACTERS) {
        if (this.#characters + characters > GATHERED_CHARACTERS) this.finish();
        const at = this.#characters;
        this.#left.push({ at, kind, key: key.length, value: value.length, low, high });
        this.#text += ROOMS[header] + key + value;
        this.#characters += characters;
        return;
      }
    }
    this.finish();
    this.#addSingly(kind, key, value, low, high);
  }

  /** Writes what is gathered; now `bytes` is complete. */
  finish(): void {
    if (this.#characters === 0) return;
    const text = this.#text;
    const start = this.#byteCount;
    const written = this.#bytes.write(text, start, 'utf8');
    if (written === this.#characters) {
      this.#byteCount = start + written;
      for (const { at, kind, key, value, low, high } of this.#left) {
        writeHeader(this.#bytes, start + at, kind, key, value, low, high);
      }
    } else {
      this.#singly = NOT_GATHERED;
      this.#rewriteSingly(text);
    }
    this.#text = '';
    this.#characters = 0;
    this.#left.length = 0;
  }

  /** Begins anew. */
  clear(): void {
    this.#bytes = this.#ownBytes;
    this.#lastToGather = SLAB_BYTES - FREE_BYTES;
    this.#byteCount = 0;
    this.#isEmpty = true;
    this.#text = '';
    this.#characters = 0;
    this.#left.length = 0;
  }

  #gathers(): boolean {
    return this.#byteCount <= this.#lastToGather && this.#singly === 0;
  }

  #gather(operation: string, characters: number): void {
    if (this.#characters + characters > GATHERED_CHARACTERS) this.finish();
    this.#text += operation;
    this.#characters += characters;
    this.#isEmpty = false;
  }

  #addSingly(kind: number, key: Bytes, value: Bytes, low: number, high: number): void {
    if (this.#singly > 0) this.#singly--;
    const keyBytes = byteLength(key);
    const valueBytes = byteLength(value);
    this.#byteCount = writeHeader(this.#bytes, this.#byteCount, kind, keyBytes, valueBytes, low, high);
    this.#write(key, keyBytes);
    this.#write(value, valueBytes);
  }

  #write(part: Bytes, length: number): void {
    if (typeof part === 'string') writeText(part, this.#bytes, this.#byteCount);
    else this.#bytes.set(part, this.#byteCount);
    this.#byteCount += length;
  }

  /** Writes gathered text one by one, by the lengths in characters that it and the headers left out have. */
  #rewriteSingly(text: string): void {
    let next = 0;
    for (let from = 0; from < text.length; ) {
      const left = this.#left[next]?.at === from ? this.#left[next++] : undefined;
      const kind = left?.kind ?? text.charCodeAt(from);
      const keyLength = left?.key ?? text.charCodeAt(from + 1);
      const valueLength = left?.value ?? (hasValue(kind) ? text.charCodeAt(from + 2) : 0);
      const key = from + headerBytes(kind, keyLength, valueLength);
      const value = key + keyLength;
      from = value + valueLength;
      this.#addSingly(kind, text.slice(key, value), text.slice(value, from), left?.low ?? 0, left?.high ?? 0);
    }
  }
}
