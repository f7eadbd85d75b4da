/** `hitkv load <url> <source>`: reads entries in. */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import type { LoadOptions } from '../types.js';
import { Ended, EXIT } from './exit-codes.js';
import { requireFormat } from './format-by-name.js';
import { longWork, QUIET } from './long-work.js';
import { entries } from './plural.js';
import { STORE, writing } from './store-access.js';
import { isStream } from './stream.js';
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
    const isInput = source === '-' || source === '/dev/stdin';
    if (isInput && format === undefined) {
      command.error('error: standard input has no name that tells its format: give --format');
    }
    // Before the store is opened, and perhaps made.
    const found = isInput ? undefined : await inspect(source);
    if (found && !found.isDirectory()) requireFormat(format, source, command);
    const options: LoadOptions = { skipBad: flags.skipBad === true, ...(format && { format }) };
    const { loaded, skipped } = await writing(surroundings, url, { create: true, instead }, async (store) => {
      // A read of a pipe cannot be ended: there a signal simply ends the process, which does no harm.
      if (found === undefined) return surroundings.loadInput(store, options);
      if (isStream(found)) return store.load(source, options);
      const totalBytes = found.isFile() ? found.size : undefined;
      const about = { what: 'load', unit: 'entries', quiet, totalBytes };
      return longWork(surroundings, about, (long) => store.load(source, { ...options, ...long }));
    });
    const bad = skipped > 0 ? `, left ${skipped} bad out` : '';
    const said = flags.json ? JSON.stringify({ loaded, skipped }) : `loaded ${entries(loaded)}${bad}`;
    await surroundings.out(`${said}\n`);
  });
}

async function inspect(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw new Ended(EXIT.failed, `${path} cannot be read: ${(error as Error).message}`);
  }
}

function instead(server: string): string {
  return `its server at ${server} takes one entry a request: stop it, then load`;
}
