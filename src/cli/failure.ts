/** One line for a failure that has a code; the whole trace for one that has none, since that is a bug. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && code.startsWith('HIT_') ? `${code}: ${error.message}` : `${error.stack}`;
}
