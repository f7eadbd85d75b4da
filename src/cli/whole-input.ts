import { createReadStream } from 'node:fs';
import { HitError } from '../errors.js';
import { MAX_VALUE_BYTES } from '../limits.js';
import { Ended, EXIT } from './exit-codes.js';

/** Everything that comes from `input`, which is named `name`; refused as soon as it is more than a value can hold. */
export async function wholeInput(input: AsyncIterable<Uint8Array>, name: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of input) {
      bytes += part.length;
      if (bytes > MAX_VALUE_BYTES) break;
      parts.push(part);
    }
  } catch (error) {
    throw new Ended(EXIT.failed, `${name} cannot be read: ${(error as Error).message}`);
  }
  if (bytes <= MAX_VALUE_BYTES) return Buffer.concat(parts);
  throw new HitError(
    'HIT_VALUE_TOO_LARGE',
    `${name} has more than ${MAX_VALUE_BYTES} bytes, which is the most of a value: split it over several keys`,
  );
}

/** The same for a file. */
export function wholeFile(path: string): Promise<Buffer> {
  return wholeInput(createReadStream(path), path);
}
