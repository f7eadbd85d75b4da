/** Times on the command line. */
import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads `90s`, `1.5h`, `500ms`. A bare number is refused: some mean seconds by it, some milliseconds. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit as string] ?? Number.NaN);
  if (!(ms > 0 && ms <= Number.MAX_SAFE_INTEGER)) {
    throw new InvalidArgumentError('Use a number and its unit: 500ms, 90s, 10m, 2h or 7d.');
  }
  return ms;
}

/** Reads Unix milliseconds, or a time as RFC 3339 writes it. One that is over is refused: nobody would see the entry. */
export function parseMoment(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : isRfc3339(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isSafeInteger(ms)) {
    throw new InvalidArgumentError('Use Unix milliseconds, or a time with its zone: 2027-01-31T12:00:00Z.');
  }
  if (ms <= Date.now()) {
    throw new InvalidArgumentError(`That is ${new Date(ms).toISOString()}, which is over.`);
  }
  return ms;
}

function isRfc3339(text: string): boolean {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  if (day === undefined) return false;
  // Date.parse takes February 30 for March 2.
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
}
