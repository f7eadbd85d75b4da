/** `hitkv count <url>`: how many keys there are. */
import { Command } from 'commander';
import { addRangeOptions, type RangeFlags, rangeOf } from './range-options.js';
import { reading, STORE } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** Reads the arguments of `count`. */
export function countCommand(surroundings: Surroundings): Command {
  const command = new Command('count')
    .description('print how many keys there are')
    .argument('<url>', STORE)
    .option('--json', 'print {"count"}')
    .addHelpText('after', `\nExample:\n  hitkv count ./data --prefix user:`);
  return addRangeOptions(command).action(async (url: string, flags: RangeFlags & { json?: true }) => {
    const range = rangeOf(flags, command);
    const count = await reading(surroundings, url, (store) => store.count(range));
    await surroundings.out(flags.json ? `${JSON.stringify({ count })}\n` : `${count}\n`);
  });
}
