/** `hitkv delete <url> <key...>`: takes keys away. */
import { isUtf8 } from 'node:buffer';
import { Command } from 'commander';
import { addKeyFlag, KEY_HINT, type KeyFlags, keyOf } from './key-arguments.js';
import { quoted } from './shell.js';
import { STORE, writing } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** More lines than somebody would paste. */
const MAX_SHOWN_KEYS = 10;

/** Reads the arguments of `delete`. */
export function deleteCommand(surroundings: Surroundings): Command {
  const command = new Command('delete')
    .summary('take keys away')
    .description('take keys away, on disk when the command ends; an absent key is no failure')
    .argument('<url>', STORE)
    .argument('<key...>', 'the keys')
    .addHelpText(
      'after',
      `
Example:
  hitkv delete ./data user:1 user:2

Where a key is wrong, none is deleted. ${KEY_HINT}
For all keys of a range: hitkv clear.`,
    );
  return addKeyFlag(command).action(async (url: string, keyTexts: string[], flags: KeyFlags) => {
    const keys = keyTexts.map((text) => keyOf(text, flags, command));
    const instead = (server: string) => throughServer(server, keys);
    await writing(surroundings, url, { create: false, instead }, (store) => store.deleteMany(keys));
  });
}

function throughServer(server: string, keys: Uint8Array[]): string {
  if (!keys.every((key) => isUtf8(key)))
    return 'its server takes keys that are text only: stop it, then try again';
  const lines = keys.slice(0, MAX_SHOWN_KEYS).map((key) => {
    const name = encodeURIComponent(Buffer.from(key).toString());
    return `curl -X DELETE ${quoted(`${server}/delete?key=${name}`)}`;
  });
  if (keys.length > MAX_SHOWN_KEYS) lines.push('and so on');
  return ['through its server:', ...lines].join('\n  ');
}
