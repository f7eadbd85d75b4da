/** Lines on their way to standard output, in large pieces that are waited for: a slow reader holds the scan up. */
import type { Surroundings } from './surroundings.js';

const PIECE_LENGTH = 64 * 1024;

export const TAB = Buffer.from('\t');
export const NEWLINE = Buffer.from('\n');

export class LineOutput {
  readonly #out: Surroundings['out'];
  #parts: Uint8Array[] = [];
  /** What comes behind the parts. */
  #text = '';
  /** Bytes, and characters, which may be more bytes. */
  #length = 0;

  constructor(out: Surroundings['out']) {
    this.#out = out;
  }

  /** Whether enough has come together to be written now. */
  get full(): boolean {
    return this.#length >= PIECE_LENGTH;
  }

  add(...parts: (string | Uint8Array)[]): void {
    for (const part of parts) {
      if (typeof part === 'string') this.#text += part;
      else {
        this.#endText();
        this.#parts.push(part);
      }
      this.#length += part.length;
    }
  }

  async write(): Promise<void> {
    this.#endText();
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    if (parts.length > 0) await this.#out(Buffer.concat(parts));
  }

  /** Text is turned into bytes as late as can be: many short pieces at once. */
  #endText(): void {
    if (this.#text === '') return;
    this.#parts.push(Buffer.from(this.#text));
    this.#text = '';
  }
}
