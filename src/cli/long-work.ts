/** Work that may take minutes: it shows how far it has come, and a signal ends it so that nothing half made stays. */
import type { Progress } from '../types.js';
import { Ended } from './exit-codes.js';
import { ProgressLine } from './progress-line.js';
import { STOP_EXIT_CODES, stopSignal } from './stop-signal.js';
import type { Surroundings } from './surroundings.js';

export interface LongWork {
  /** What is shown in front: the command. */
  what: string;
  /** What `done` counts. */
  unit: string;
  quiet?: true | undefined;
  totalBytes?: number | undefined;
}

/** What the store's methods take. */
export interface LongOptions {
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** The option that keeps progress from being shown. */
export const QUIET = ['--quiet', 'show no progress; without a terminal none is shown anyway'] as const;

/** Runs `work` until it ends or SIGINT or SIGTERM does. */
export async function longWork<T>(
  { err, terminal }: Surroundings,
  about: LongWork,
  work: (options: LongOptions) => Promise<T>,
): Promise<T> {
  const { signal, release } = stopSignal();
  const line = terminal.err && !about.quiet ? new ProgressLine(err, about, terminal.columns) : undefined;
  try {
    return await work({ signal, ...(line && { onProgress: (progress: Progress) => line.show(progress) }) });
  } catch (error) {
    if (!signal.aborted) throw error;
    line?.end();
    throw new Ended(
      STOP_EXIT_CODES[signal.reason as keyof typeof STOP_EXIT_CODES],
      `${about.what} was stopped`,
    );
  } finally {
    line?.end();
    release();
  }
}
