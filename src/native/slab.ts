/**
 * The buffers in which operations cross into the addon; `crates/hit-node/src/slab.rs` reads them. This is the one
 * description of their layout.
 *
 * `words` holds 2 words an operation, or 4: kind, flags and key length (`kind | flags | keyLength << 8`), value
 * length, and, with EXPIRY and for INCREMENT, the low and the high 32 bits of a 64-bit integer. Lengths are in bytes.
 * `bytes` holds the key, then the value of each operation, all joined without gaps.
 *
 * | kind | key | value | |
 * |---|---|---|---|
 * | SET | key | value | EXPIRY: it expires; KEEP_EXPIRY (batches only): as what it replaces |
 * | DELETE | key | – | |
 * | DELETE_RANGE | start | end, with END | alone in its group |
 * | CHECK_EQUALS | key | the value it must have | batches only, before all other kinds, as the next two |
 * | CHECK_EXISTS, CHECK_ABSENT | key | – | |
 * | INCREMENT | key | – | batches only, alone; leaves the result in words 0 and 1, low and high |
 * | EXPIRE | key | – | batches only, alone; EXPIRY: the new one, else none; leaves 1 in word 0, or 0: no such key |
 *
 * Strings are gathered: the keys and values of several operations become one string, written by one call, with their
 * lengths in characters. Only where that wrote more bytes than characters, so where some were not ASCII, is the
 * stretch written again one by one. For small entries that is three to five times faster than a call for each.
 */
import type { Bytes } from '../engine.js';
import { HitError } from '../errors.js';
import { MAX_BYTES_PER_CHARACTER, MAX_FRAME_BYTES } from '../limits.js';
import { writeText } from './text.js';

export const SET = 1;
export const DELETE = 2;
export const DELETE_RANGE = 3;
export const CHECK_EQUALS = 4;
export const CHECK_EXISTS = 5;
export const CHECK_ABSENT = 6;
export const INCREMENT = 7;
export const EXPIRE = 8;

export const EXPIRY = 0x10;
export const KEEP_EXPIRY = 0x20;
export const END = 0x40;

const KEY_LENGTH_SHIFT = 8;
const WORDS_AN_OPERATION = 2;
const WORDS_OF_AN_INTEGER = 2;
const MOST_WORDS_AN_OPERATION = WORDS_AN_OPERATION + WORDS_OF_AN_INTEGER;

/** Between 16 KiB and 1 MiB the size matters little; this one stays in a core's second cache. */
const SLAB_BYTES = 128 * 1024;
const SLAB_WORDS = 16 * 1024;
/** Characters gathered before they are written: larger does not get faster. */
const GATHERED_CHARACTERS = 1024;

/** Gathers operations until they are submitted. What does not fit makes it grow, until it is cleared. */
export class Slab {
  readonly #ownWords = new Uint32Array(SLAB_WORDS);
  readonly #ownBytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #words: Uint32Array = this.#ownWords;
  #bytes: Buffer = this.#ownBytes;
  #wordCount = 0;
  #byteCount = 0;

  /** What is gathered, its length, and the word where its first operation begins. */
  #text = '';
  #characters = 0;
  #textWord = 0;

  get words(): Uint32Array {
    return this.#words;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get wordCount(): number {
    return this.#wordCount;
  }

  /** Right after `finish`. */
  get byteCount(): number {
    return this.#byteCount;
  }

  /** Whether an operation made the buffers larger than they stay; it is to be submitted at once. */
  get grown(): boolean {
    return this.#words !== this.#ownWords || this.#bytes !== this.#ownBytes;
  }

  /** Whether an operation has room whatever its characters turn out to be. */
  fits(key: Bytes, value: Bytes): boolean {
    const most = (this.#characters + key.length + value.length) * MAX_BYTES_PER_CHARACTER;
    return (
      this.#byteCount + most <= this.#bytes.length &&
      this.#wordCount + MOST_WORDS_AN_OPERATION <= this.#words.length
    );
  }

  /**
   * Makes room by larger buffers, which are not kept.
   *
   * @throws `HIT_BATCH_TOO_LARGE` where what they would hold cannot lie in one frame.
   */
  grow(key: Bytes, value: Bytes): void {
    this.#writeGathered();
    const filled = this.#byteCount + byteLength(key) + byteLength(value);
    if (filled > MAX_FRAME_BYTES) {
      throw new HitError(
        'HIT_BATCH_TOO_LARGE',
        `a batch has more than ${MAX_FRAME_BYTES} bytes of keys and values: split it into several`,
      );
    }
    const needed = filled + MAX_BYTES_PER_CHARACTER * 2 * GATHERED_CHARACTERS;
    if (needed > this.#bytes.length) {
      const doubled = this.#byteCount === 0 ? 0 : Math.min(2 * this.#bytes.length, 2 * MAX_FRAME_BYTES);
      const bytes = Buffer.allocUnsafeSlow(Math.max(needed, doubled));
      bytes.set(this.#bytes.subarray(0, this.#byteCount));
      this.#bytes = bytes;
    }
    if (this.#wordCount + MOST_WORDS_AN_OPERATION > this.#words.length) {
      const words = new Uint32Array(2 * this.#words.length);
      words.set(this.#words.subarray(0, this.#wordCount));
      this.#words = words;
    }
  }

  /** Adds an operation, for which there is room. */
  add(kind: number, key: Bytes, value: Bytes): void {
    const word = this.#wordCount;
    this.#wordCount = word + WORDS_AN_OPERATION;
    if (typeof key === 'string' && typeof value === 'string') {
      const characters = key.length + value.length;
      if (this.#characters + characters > GATHERED_CHARACTERS) this.#writeGathered(word);
      if (characters <= GATHERED_CHARACTERS) {
        if (this.#characters === 0) this.#textWord = word;
        this.#words[word] = kind | (key.length << KEY_LENGTH_SHIFT);
        this.#words[word + 1] = value.length;
        this.#text += key;
        this.#text += value;
        this.#characters += characters;
        return;
      }
    }
    this.#addSingly(word, kind, key, value);
  }

  /** The same with a 64-bit integer behind it, by its low and high 32 bits. */
  addWithInteger(kind: number, key: Bytes, value: Bytes, low: number, high: number): void {
    this.add(kind, key, value);
    this.#words[this.#wordCount] = low;
    this.#words[this.#wordCount + 1] = high;
    this.#wordCount += WORDS_OF_AN_INTEGER;
  }

  /** Writes what is gathered; now `words` and `bytes` are complete. */
  finish(): void {
    this.#writeGathered();
  }

  /** Begins anew. */
  clear(): void {
    this.#words = this.#ownWords;
    this.#bytes = this.#ownBytes;
    this.#wordCount = 0;
    this.#byteCount = 0;
    this.#text = '';
    this.#characters = 0;
  }

  #addSingly(word: number, kind: number, key: Bytes, value: Bytes): void {
    this.#writeGathered(word);
    this.#words[word] = kind | (this.#write(key) << KEY_LENGTH_SHIFT);
    this.#words[word + 1] = this.#write(value);
  }

  #write(part: Bytes): number {
    let length = part.length;
    if (typeof part === 'string') length = writeText(part, this.#bytes, this.#byteCount);
    else this.#bytes.set(part, this.#byteCount);
    this.#byteCount += length;
    return length;
  }

  /** Writes what is gathered: the operations from `#textWord` up to `endWord`. */
  #writeGathered(endWord: number = this.#wordCount): void {
    if (this.#characters === 0) return;
    const written = this.#bytes.write(this.#text, this.#byteCount, 'utf8');
    if (written === this.#characters) this.#byteCount += written;
    else this.#rewriteSingly(endWord);
    this.#text = '';
    this.#characters = 0;
  }

  /** Writes what is gathered one by one and puts lengths in bytes where those in characters stand. */
  #rewriteSingly(endWord: number): void {
    const text = this.#text;
    let from = 0;
    for (let word = this.#textWord; word < endWord; ) {
      const head = this.#words[word] as number;
      const value = from + (head >>> KEY_LENGTH_SHIFT);
      const end = value + (this.#words[word + 1] as number);
      const kind = head & ((1 << KEY_LENGTH_SHIFT) - 1);
      this.#words[word] = kind | (this.#write(text.slice(from, value)) << KEY_LENGTH_SHIFT);
      this.#words[word + 1] = this.#write(text.slice(value, end));
      from = end;
      word += WORDS_AN_OPERATION + (hasInteger(kind) ? WORDS_OF_AN_INTEGER : 0);
    }
  }
}

function hasInteger(kind: number): boolean {
  return (kind & EXPIRY) !== 0 || kind === INCREMENT;
}

function byteLength(part: Bytes): number {
  return typeof part === 'string' ? Buffer.byteLength(part) : part.length;
}
