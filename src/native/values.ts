import type { Raw } from '../engine.js';

/** The length that stands for a key that is not there. */
const ABSENT = 0xffffffff;

/** Values decoded together: as many as a scan's page has entries. */
const STRETCH = 64;

/**
 * A stretch up to this long becomes one string of which values are substrings; a kept value keeps the whole alive, so
 * the values of a longer one are made singly.
 */
const STRETCH_BYTES = 8 * 1024;

/** Reads the values that `getMany` left: lengths in `words`, the bytes joined in `out`. */
export function readValues(
  words: Uint32Array,
  count: number,
  out: Buffer,
  text: boolean,
  ascii: boolean,
): (Raw | undefined)[] {
  const values = new Array<Raw | undefined>(count);
  let offset = 0;
  for (let from = 0; from < count; from += STRETCH) {
    const to = Math.min(from + STRETCH, count);
    let length = 0;
    for (let index = from; index < to; index++) {
      const bytes = words[index] as number;
      if (bytes !== ABSENT) length += bytes;
    }
    const parts = new PartReader(out, offset, length, text && ascii);
    for (let index = from; index < to; index++) {
      const bytes = words[index] as number;
      values[index] = bytes === ABSENT ? undefined : text ? parts.text(bytes) : parts.bytes(bytes);
    }
    offset += length;
  }
  return values;
}

/** Takes keys and values off a buffer, one behind the other. */
export class PartReader {
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #whole: string | undefined;
  #offset: number;
  /** The same memory without the species of a Buffer, so that copies are plain byte arrays. */
  #plain: Uint8Array | undefined;

  /** Reads `length` bytes from `start` on; `ascii`: all of them are text, and ASCII. */
  constructor(buffer: Buffer, start: number, length: number, ascii: boolean) {
    this.#buffer = buffer;
    this.#start = start;
    this.#offset = start;
    this.#whole =
      ascii && length <= STRETCH_BYTES ? buffer.toString('latin1', start, start + length) : undefined;
  }

  /** The next `length` bytes as text; the addon has made sure that they are. */
  text(length: number): string {
    const from = this.#offset;
    const to = from + length;
    this.#offset = to;
    if (this.#whole !== undefined) return this.#whole.substring(from - this.#start, to - this.#start);
    return this.#buffer.toString('utf8', from, to);
  }

  /** The next `length` bytes as a copy of the caller's own. */
  bytes(length: number): Uint8Array {
    const from = this.#offset;
    this.#offset = from + length;
    this.#plain ??= new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
    return this.#plain.slice(from, this.#offset);
  }
}
