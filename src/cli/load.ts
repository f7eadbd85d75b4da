/** `hitkv load <url> <source>`: reads entries in. */
import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { LoadOptions } from '../types.js';
import { longWork, QUIET } from './long-work.js';
import { entries } from './plural.js';
import { STORE, writing } from './store-access.js';
import type { Surroundings } from './surroundings.js';

interface LoadFlags {
  format?: NonNullable<LoadOptions['format']>;
  skipBad?: true;
  quiet?: true;
  json?: true;
}

/** Reads the arguments of `load`. */
export function loadCommand(surroundings: Surroundings): Command {
  const command = new Command('load')
    .summary('read entries in')
    .description('read entries in from a file, a folder or standard input')
    .argument('<url>', `${STORE}; made where it does not exist`)
    .argument('<source>', 'a file, a folder of Go-Hit, or - for standard input')
    .addOption(
      new Option('--format <name>', 'what the source is (default: what its name says)').choices([
        'ndjson',
        'csv',
        'go-hit',
      ]),
    )
    .option('--skip-bad', 'leave bad lines out, instead of stopping at the first')
    .option('--json', 'print {"loaded","skipped"}')
    .option(...QUIET)
    .addHelpText(
      'after',
      `
Examples:
  hitkv load ./data entries.ndjson
  hitkv load ./data ./go-hit-folder --format go-hit
  zcat dump.ndjson.gz | hitkv load ./data - --format ndjson

Names: .ndjson and .jsonl, .csv, .json and folders (Go-Hit). What is loaded is on disk when the command ends.
Loading is not atomic: what came before a bad line, or before a Ctrl-C, stays, and loading again does no harm.`,
    );
  return command.action(async (url: string, source: string, flags: LoadFlags) => {
    const { format, quiet } = flags;
    if (source === '-' && format === undefined) {
      command.error('error: standard input has no name that tells its format: give --format');
    }
    const options: LoadOptions = { skipBad: flags.skipBad === true, ...(format && { format }) };
    const { loaded, skipped } = await writing(surroundings, url, { create: true, instead }, async (store) => {
      // A read of standard input cannot be ended: there a signal simply ends the process, which does no harm.
      if (source === '-') return surroundings.loadInput(store, options);
      const about = { what: 'load', unit: 'entries', quiet, totalBytes: await bytesOf(source) };
      return longWork(surroundings, about, (long) => store.load(source, { ...options, ...long }));
    });
    const bad = skipped > 0 ? `, left ${skipped} bad out` : '';
    const said = flags.json ? JSON.stringify({ loaded, skipped }) : `loaded ${entries(loaded)}${bad}`;
    await surroundings.out(`${said}\n`);
  });
}

/** How long a file is; of what is none, the store has the better message. */
async function bytesOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

function instead(server: string): string {
  return `its server at ${server} takes one entry a request: stop it, then load`;
}
