/** `hitkv clear <url>`: takes the keys of a range away, or all. */
import { Command } from 'commander';
import { Ended, EXIT } from './exit-codes.js';
import { addRangeOptions, type RangeFlags, rangeOf } from './range-options.js';
import { STORE, writing } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** Reads the arguments of `clear`. */
export function clearCommand(surroundings: Surroundings): Command {
  const command = new Command('clear')
    .summary('take the keys of a range away, or all')
    .description('take all keys of a range away, or every key, in one step')
    .argument('<url>', STORE)
    .option('--all', 'every key; without it and without a range the terminal is asked')
    .addHelpText(
      'after',
      `
Examples:
  hitkv clear ./data --prefix session:
  hitkv clear ./data --all`,
    );
  return addRangeOptions(command).action(async (url: string, flags: RangeFlags & { all?: true }) => {
    if (flags.prefix === '') command.error('error: the empty prefix is every key: use --all to say so');
    const range = rangeOf(flags, command);
    if (range && flags.all) command.error('error: --all is every key: leave it out, or the range');
    const { terminal } = surroundings;
    const asks = !range && !flags.all;
    if (asks && !(terminal.in && terminal.err)) {
      command.error(
        'error: this would take every key away: use --all to say so, or a range such as --prefix',
      );
    }
    await writing(surroundings, url, { create: false, instead }, async (store) => {
      if (asks && !(await confirmed(surroundings, url, await store.count()))) {
        throw new Ended(EXIT.failed, 'nothing was taken away');
      }
      await store.clear(range);
    });
  });
}

async function confirmed({ ask }: Surroundings, url: string, count: number): Promise<boolean> {
  const answer = await ask(`Take all ${count.toLocaleString('en-US')} keys of ${url} away? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

function instead(server: string): string {
  return `its server at ${server} deletes single keys only: stop it, then try again`;
}
