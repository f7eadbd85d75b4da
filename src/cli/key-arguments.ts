/** Keys on the command line: UTF-8 text or, with `--key64`, any bytes in base64. */
import type { Command } from 'commander';
import { checkKey } from '../encoding.js';
import { fromBase64 } from './base64.js';

export interface KeyFlags {
  key64?: true;
}

/** What stands below the help of commands that take keys as arguments. */
export const KEY_HINT = 'Keys are UTF-8 text. Put -- before one that begins with a dash.';

/** Adds the flag that changes how keys are read. */
export function addKeyFlag(command: Command): Command {
  return command.option('--key64', 'keys on this command line are base64, for keys that are not text');
}

/** The key for an argument, or the end of the command with exit code 2. */
export function keyOf(text: string, flags: KeyFlags, command: Command): Uint8Array {
  const key = bytesOf(text, flags, command);
  try {
    checkKey(key);
  } catch (error) {
    command.error(`error: ${(error as Error).message}`);
  }
  return key;
}

/** The same where the key may be empty, as a prefix may. */
export function bytesOf(text: string, { key64 }: KeyFlags, command: Command): Uint8Array {
  if (!key64) return Buffer.from(utf8Argument(text, '--key64', command));
  const bytes = fromBase64(text);
  return (
    bytes ?? command.error(`error: ${JSON.stringify(text)} is not base64 (with its padding): see --key64`)
  );
}

/** Refuses an argument that Node.js could not read as UTF-8: it would be another key, or another value. */
export function utf8Argument(text: string, instead: string, command: Command): string {
  if (!text.includes('\ufffd')) return text;
  return command.error(
    `error: the argument ${JSON.stringify(text)} is not UTF-8, or holds U+FFFD: use ${instead}`,
  );
}
