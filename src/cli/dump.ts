/** `hitkv dump <url> [target]`: writes entries out. */
import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { HitError } from '../errors.js';
import type { DumpOptions } from '../types.js';
import { Ended, EXIT } from './exit-codes.js';
import { requireFormat } from './format-by-name.js';
import { longWork, QUIET } from './long-work.js';
import { entries } from './plural.js';
import { addRangeOptions, type RangeFlags, rangeOf } from './range-options.js';
import { reading, STORE } from './store-access.js';
import { isStream } from './stream.js';
import type { BytesStore, Surroundings } from './surroundings.js';

interface DumpFlags extends RangeFlags {
  format?: NonNullable<DumpOptions['format']>;
  quiet?: true;
  json?: true;
}

/** Reads the arguments of `dump`. */
export function dumpCommand(surroundings: Surroundings): Command {
  const command = new Command('dump')
    .summary('write entries out')
    .description('write entries out in the order of their keys, as they are at one moment')
    .argument('<url>', STORE)
    .argument('[target]', 'a file, which is replaced when all is written, or - for standard output', '-')
    .addOption(
      new Option(
        '--format <name>',
        'how (default: what the name of the file says, ndjson on standard output)',
      ).choices(['ndjson', 'csv']),
    )
    .option('--json', 'print {"dumped"}, where the target is a file')
    .option(...QUIET)
    .addHelpText(
      'after',
      `
Examples:
  hitkv dump ./data entries.ndjson
  hitkv dump ./data --prefix user: | gzip > users.ndjson.gz

A dump loaded again reproduces the entries, with keys and values that are no text and with expiries.`,
    );
  return addRangeOptions(command).action(async (url: string, target: string, flags: DumpFlags) => {
    const { format, quiet } = flags;
    const options: DumpOptions = { ...rangeOf(flags, command), ...(format && { format }) };
    // By its name as well: as a file it would be replaced, and not written behind what is there.
    if (target === '-' || target === '/dev/stdout') {
      if (flags.json) command.error('error: --json needs a file: standard output is the dump itself');
      await reading(surroundings, url, (store) => toOutput(surroundings, store, options));
      return;
    }
    requireFormat(format, target, command);
    const about = { what: 'dump', unit: 'entries', quiet };
    const found = await stat(target).catch(() => undefined);
    const { dumped } = await reading(surroundings, url, (store) =>
      found && isStream(found)
        ? store.dump(target, options)
        : longWork(surroundings, about, (long) => store.dump(target, { ...options, ...long })),
    );
    await surroundings.out(flags.json ? `${JSON.stringify({ dumped })}\n` : `dumped ${entries(dumped)}\n`);
  });
}

/** A signal simply ends it: there is nothing to remove. */
async function toOutput(
  { dumpOutput }: Surroundings,
  store: BytesStore,
  options: DumpOptions,
): Promise<void> {
  try {
    await dumpOutput(store, options);
  } catch (error) {
    // The reader has what it wanted (`hitkv dump … | head`). The engine writes itself, so only its message tells.
    const gone =
      HitError.is(error) && error.code === 'HIT_IO' && /\(os error (32|109|232)\)/.test(error.message);
    throw gone ? new Ended(EXIT.readerGone) : error;
  }
}
