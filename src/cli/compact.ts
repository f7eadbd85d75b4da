/** `hitkv compact <url>`: gives the space of dead entries back, all of it at once. */
import { Command } from 'commander';
import { STORE, writing } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** Reads the arguments of `compact`. */
export function compactCommand(surroundings: Surroundings): Command {
  return new Command('compact')
    .summary('give the space of dead entries back')
    .description('give the space of overwritten, deleted and expired entries back, all of it at once')
    .argument('<url>', STORE)
    .addHelpText(
      'after',
      `
Example:
  hitkv compact ./data

An open store does this by itself in the background; at once it needs free space for what is live. A signal may
end it at any moment, and nothing is lost.`,
    )
    .action((url: string) =>
      // No longWork: it can be killed at any moment, and the next open tidies up.
      writing(surroundings, url, { create: false, instead }, (store) => store.compact()),
    );
}

function instead(server: string): string {
  return `its server at ${server} compacts by itself in the background; for all of it at once stop it first`;
}
