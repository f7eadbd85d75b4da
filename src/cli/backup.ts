/** `hitkv backup <url> <folder>`: a copy of a store, of one moment. */
import { Command } from 'commander';
import { longWork, QUIET } from './long-work.js';
import { reading, STORE } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** Reads the arguments of `backup`. */
export function backupCommand(surroundings: Surroundings): Command {
  return new Command('backup')
    .summary('copy a store of one moment')
    .description('copy a store as it is at one moment, while it is written too')
    .argument('<url>', STORE)
    .argument('<folder>', 'an empty folder, or one that does not exist yet; then it is a store')
    .option(...QUIET)
    .addHelpText(
      'after',
      `
Example:
  hitkv backup ./data /backups/2026-11-22 && hitkv verify /backups/2026-11-22

Files that do not change any more are linked where the folder is on the same disk. A backup that fails or
is stopped leaves nothing behind.`,
    )
    .action(async (url: string, folder: string, { quiet }: { quiet?: true }) => {
      const about = { what: 'backup', unit: 'files', quiet };
      await reading(surroundings, url, (store) =>
        longWork(surroundings, about, (long) => store.backup(folder, long)),
      );
    });
}
