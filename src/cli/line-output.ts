/** Lines on their way to standard output, in large pieces that are waited for: a slow reader holds the scan up. */
import type { Surroundings } from './surroundings.js';

const PIECE_BYTES = 64 * 1024;

export class LineOutput {
  readonly #out: Surroundings['out'];
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(out: Surroundings['out']) {
    this.#out = out;
  }

  /** Whether enough has come together to be written now. */
  get full(): boolean {
    return this.#bytes >= PIECE_BYTES;
  }

  add(...parts: (string | Uint8Array)[]): void {
    for (const part of parts) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      this.#parts.push(bytes);
      this.#bytes += bytes.length;
    }
  }

  async write(): Promise<void> {
    if (this.#bytes === 0) return;
    const piece = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    await this.#out(piece);
  }
}
