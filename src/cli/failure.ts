import { Ended } from './exit-codes.js';

/** One line for a failure that has a code; the whole trace for one that has none, since that is a bug. */
export function describeFailure(error: unknown): string {
  if (error instanceof Ended || !(error instanceof Error)) return (error as Error)?.message ?? String(error);
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && code.startsWith('HIT_')
    ? `${error.message} (${code})`
    : `${error.stack}`;
}
