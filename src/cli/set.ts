/** `hitkv set <url> <key> [value]`: puts a value under a key. */
import { isUtf8 } from 'node:buffer';
import { Command, Option } from 'commander';
import type { WriteOptions } from '../types.js';
import { fromBase64 } from './base64.js';
import { parseDuration, parseMoment } from './duration.js';
import { addKeyFlag, KEY_HINT, type KeyFlags, keyOf, utf8Argument } from './key-arguments.js';
import { quoted } from './shell.js';
import { STORE, writing } from './store-access.js';
import type { Surroundings } from './surroundings.js';
import { wholeFile, wholeInput } from './whole-input.js';

/** A longer value makes no line that somebody would paste. */
const MAX_SHOWN_BYTES = 1_000;

type Flags = KeyFlags & { valueFile?: string; value64?: true; ttl?: number; expiresAt?: number };

/** Reads the arguments of `set`. */
export function setCommand(surroundings: Surroundings): Command {
  const command = new Command('set')
    .summary('put a value under a key')
    .description('put a value under a key; it is on disk when the command ends')
    .argument('<url>', `${STORE}; made where it does not exist`)
    .argument('<key>', 'the key')
    .argument('[value]', 'the value; without one, or for -, all of standard input')
    .option('--value-file <path>', 'take the value from a file; - is standard input')
    .option('--value64', 'the value is base64')
    .addOption(
      new Option('--ttl <duration>', 'expire after 500ms, 90s, 10m, 2h, 7d (default: never)')
        .argParser(parseDuration)
        .conflicts('expiresAt'),
    )
    .option('--expires-at <time>', 'expire then: Unix milliseconds, or 2027-01-31T12:00:00Z', parseMoment)
    .addHelpText(
      'after',
      `
Examples:
  hitkv set ./data user:1 ada
  hitkv set ./data session:7 ada --ttl 30m
  hitkv set ./data photo < photo.jpg

A value from a file or standard input is taken as it is, its last newline included.
An expiry that the key had is cleared. ${KEY_HINT}`,
    );
  return addKeyFlag(command).action(
    async (url: string, keyText: string, valueText: string | undefined, flags: Flags) => {
      const key = keyOf(keyText, flags, command);
      const value = await valueToSet(surroundings, valueText, flags, command);
      const { ttl: ttlMs, expiresAt } = flags;
      const options: WriteOptions = {};
      if (ttlMs !== undefined) options.ttlMs = ttlMs;
      if (expiresAt !== undefined) options.expiresAt = expiresAt;
      const instead = (server: string) => throughServer(server, key, value, options);
      await writing(surroundings, url, { create: true, instead }, (store) => store.set(key, value, options));
    },
  );
}

async function valueToSet(
  { input, err, terminal }: Surroundings,
  text: string | undefined,
  flags: Flags,
  command: Command,
): Promise<Buffer> {
  const { valueFile, value64 } = flags;
  if (text !== undefined && valueFile !== undefined) {
    command.error('error: the value is given twice: as an argument and with --value-file');
  }
  const file = valueFile ?? text ?? '-';
  if (file === '-' && terminal.in) err('hitkv: type the value; Ctrl-D ends it\n');
  const given = await (file === '-'
    ? wholeInput(input(), 'standard input')
    : valueFile === undefined
      ? Buffer.from(utf8Argument(file, '--value-file or --value64', command))
      : wholeFile(file));
  if (!value64) return given;
  // Programs that write base64 end it with a newline.
  const bytes = fromBase64(given.toString('latin1').trim());
  return (
    bytes ?? command.error('error: the value is not base64 (with its padding, in one line): see --value64')
  );
}

function throughServer(server: string, key: Uint8Array, value: Uint8Array, options: WriteOptions): string {
  if (Object.keys(options).length > 0 || !isUtf8(key) || !isUtf8(value)) {
    return 'its server takes text without an expiry only: stop it, then try again';
  }
  if (value.length > MAX_SHOWN_BYTES) {
    return `through its server: send {"key":"…","value":"…"} to ${server}/set with POST`;
  }
  const [keyJson, valueJson] = [key, value].map((bytes) => JSON.stringify(Buffer.from(bytes).toString()));
  return `through its server: curl -d ${quoted(`{"key":${keyJson},"value":${valueJson}}`)} ${server}/set`;
}
