/** `hitkv get <url> <key>`: the value under a key. */
import { Command, Option } from 'commander';
import { quoteKey } from '../encoding.js';
import { entryJson } from './entry-json.js';
import { Ended, EXIT } from './exit-codes.js';
import { addKeyFlag, KEY_HINT, type KeyFlags, keyOf } from './key-arguments.js';
import { reading, STORE } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** Reads the arguments of `get`. */
export function getCommand(surroundings: Surroundings): Command {
  const command = new Command('get')
    .summary('print the value under a key')
    .description('print the value under a key; exit code 3 where there is no such key')
    .argument('<url>', STORE)
    .argument('<key>', 'the key')
    .addOption(new Option('--json', 'print {"key","value"[,"expiresAt"]}').conflicts('raw'))
    .option('--raw', 'print the bytes of the value as they are, without a newline behind them')
    .addHelpText(
      'after',
      `
Examples:
  hitkv get ./data user:1
  hitkv get ./data photo --raw > photo.jpg

Bytes that are not UTF-8 come as they are, with --json as "key64" and "value64" in base64.
expiresAt is Unix time in milliseconds. ${KEY_HINT}`,
    );
  return addKeyFlag(command).action(
    async (url: string, keyText: string, flags: KeyFlags & { json?: true; raw?: true }) => {
      const key = keyOf(keyText, flags, command);
      const entry = await reading(surroundings, url, (store) => store.getEntry(key));
      if (!entry) throw new Ended(EXIT.absent, `there is no key ${quoteKey(key)} in ${url}`);
      if (flags.json) await surroundings.out(`${entryJson({ key, ...entry })}\n`);
      else if (flags.raw) await surroundings.out(entry.value);
      else await surroundings.out(Buffer.concat([entry.value, Buffer.from('\n')]));
    },
  );
}
