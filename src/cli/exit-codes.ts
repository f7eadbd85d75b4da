/** What the exit code of `hitkv` means; `docs/cli.md` and `hitkv --help` have the same table. */
import { HitError } from '../errors.js';

/** Signals end a command with 128 and their number, as shells report it. */
export const EXIT = {
  done: 0,
  failed: 1,
  misunderstood: 2,
  absent: 3,
  locked: 4,
  damaged: 5,
  interrupted: 130,
  readerGone: 141,
  terminated: 143,
} as const;

/** The table as `hitkv --help` prints it. */
export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  failed; the message says what and what to do
  2  the command line was not understood, nothing was done
  3  get: there is no such key
  4  another process holds the store (HIT_LOCKED)
  5  damage found (HIT_CORRUPTION, or by verify)
  130, 143, 141  ended by Ctrl-C, by SIGTERM, by the reader of its output going away`;

/** Ends a command with an exit code of its own; the message, where there is one, goes to standard error. */
export class Ended extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = '') {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The exit code for a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Ended) return error.exitCode;
  if (HitError.is(error) && error.code === 'HIT_LOCKED') return EXIT.locked;
  if (HitError.is(error) && error.code === 'HIT_CORRUPTION') return EXIT.damaged;
  return EXIT.failed;
}
