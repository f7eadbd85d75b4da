/**
 * How far a long command has come: one line on a terminal, written over itself. Carriage returns and spaces do, so it
 * needs no library and no terminal that knows escapes.
 */
import type { Progress } from '../types.js';

const BAR_WIDTH = 20;

export class ProgressLine {
  readonly #write: (text: string) => void;
  readonly #what: string;
  readonly #unit: string;
  /** Bytes in all, where only that is known beforehand. */
  readonly #totalBytes: number | undefined;
  readonly #begunMs = performance.now();
  /** A line that wraps could not be written over. */
  readonly #maxWidth: number;
  #width = 0;

  constructor(
    write: (text: string) => void,
    { what, unit, totalBytes }: { what: string; unit: string; totalBytes?: number | undefined },
    columns: number,
  ) {
    this.#write = write;
    this.#what = what;
    this.#unit = unit;
    this.#totalBytes = totalBytes;
    this.#maxWidth = Math.max(columns - 1, 0);
  }

  show(progress: Progress): void {
    const { done, total, bytes } = progress;
    const part = total === undefined ? share(bytes, this.#totalBytes) : share(done, total);
    const seconds = Math.floor((performance.now() - this.#begunMs) / 1_000);
    const text = [
      this.#what,
      ...(part === undefined ? [] : [`${bar(part)} ${String(Math.floor(part * 100)).padStart(3)}%`]),
      `${done.toLocaleString('en-US')} ${this.#unit}`,
      bytesText(bytes),
      `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`,
    ].join('  ');
    this.#put(text.slice(0, this.#maxWidth));
  }

  /** Takes the line away, for what comes next. */
  end(): void {
    if (this.#width === 0) return;
    this.#put('');
    this.#write('\r');
    this.#width = 0;
  }

  #put(text: string): void {
    this.#write(`\r${text.padEnd(this.#width)}`);
    this.#width = text.length;
  }
}

/** Bytes as people read them. */
export function bytesText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${(bytes / 1_024 ** power).toFixed(1)} ${units[power - 1]}`;
}

function share(done: number, total: number | undefined): number | undefined {
  if (total === undefined) return undefined;
  return total > 0 ? Math.min(done / total, 1) : 1;
}

function bar(part: number): string {
  return `[${'#'.repeat(Math.floor(part * BAR_WIDTH)).padEnd(BAR_WIDTH, '.')}]`;
}
