import type { Bytes } from '../engine.js';
import { MAX_BYTES_PER_CHARACTER } from '../limits.js';
import { writeText } from './text.js';

const KEPT_KEYS = 1024;
const KEPT_BYTES = 64 * 1024;

/** Keys joined into one string at a time. */
const STRETCH = 64;

/** The buffers in which keys cross into the addon to be read; larger ones than these are not kept. */
export class KeyBuffers {
  readonly #ownWords = new Uint32Array(KEPT_KEYS);
  readonly #ownBytes = Buffer.allocUnsafeSlow(KEPT_BYTES);
  words: Uint32Array = this.#ownWords;
  bytes: Buffer = this.#ownBytes;

  /** Puts one key at the front and returns its length in bytes. */
  putOne(key: Bytes): number {
    if (typeof key === 'string') return writeText(key, this.#ownBytes, 0);
    this.#ownBytes.set(key);
    return key.length;
  }

  /** Puts many keys, joined, and their lengths into `words`. */
  putMany(keys: readonly Bytes[]): void {
    this.#makeRoom(keys);
    let offset = 0;
    for (let from = 0; from < keys.length; from += STRETCH) {
      offset = this.#putStretch(keys, from, Math.min(from + STRETCH, keys.length), offset);
    }
  }

  /** As with the slab: one write for a stretch of strings, and one by one where some were not ASCII. */
  #putStretch(keys: readonly Bytes[], from: number, to: number, offset: number): number {
    let text = '';
    for (let index = from; index < to; index++) {
      const key = keys[index] as Bytes;
      if (typeof key !== 'string') return this.#putSingly(keys, from, to, offset);
      text += key;
      this.words[index] = key.length;
    }
    const written = this.bytes.write(text, offset, 'utf8');
    return written === text.length ? offset + written : this.#putSingly(keys, from, to, offset);
  }

  #putSingly(keys: readonly Bytes[], from: number, to: number, offset: number): number {
    let end = offset;
    for (let index = from; index < to; index++) {
      const key = keys[index] as Bytes;
      let length = key.length;
      if (typeof key === 'string') length = writeText(key, this.bytes, end);
      else this.bytes.set(key, end);
      this.words[index] = length;
      end += length;
    }
    return end;
  }

  #makeRoom(keys: readonly Bytes[]): void {
    let characters = 0;
    for (const key of keys) characters += key.length;
    const most = characters * MAX_BYTES_PER_CHARACTER;
    this.bytes = most <= KEPT_BYTES ? this.#ownBytes : Buffer.allocUnsafeSlow(most);
    this.words = keys.length <= KEPT_KEYS ? this.#ownWords : new Uint32Array(keys.length);
  }

  /** Lets go of larger buffers. */
  shrink(): void {
    this.bytes = this.#ownBytes;
    this.words = this.#ownWords;
  }
}
