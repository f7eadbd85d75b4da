/** `hitkv scan <url>`: entries in the order of their keys. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ScanOptions } from '../types.js';
import { entryJson } from './entry-json.js';
import { LineOutput, NEWLINE, TAB } from './line-output.js';
import { addRangeOptions, type RangeFlags, rangeOf } from './range-options.js';
import { reading, STORE } from './store-access.js';
import type { BytesStore, Surroundings } from './surroundings.js';
import { visible } from './visible.js';

/** Keys whose values and expiries are read together. */
const PAGE_KEYS = 512;

interface ScanFlags extends RangeFlags {
  reverse?: true;
  limit?: number;
  keys?: true;
  values?: true;
  json?: true;
}

/** Reads the arguments of `scan`. */
export function scanCommand(surroundings: Surroundings): Command {
  const command = new Command('scan')
    .summary('print entries in the order of their keys')
    .description('print entries in the order of their keys, as they are at one moment')
    .argument('<url>', STORE)
    .option('--reverse', 'from the last key to the first')
    .option('--limit <n>', 'the most entries (default: all)', parseLimit)
    .addOption(new Option('--keys', 'keys only').conflicts('values'))
    .option('--values', 'values only')
    .option('--json', 'a JSON object a line, as dump writes them, for what may hold tabs or newlines')
    .addHelpText(
      'after',
      `
Examples:
  hitkv scan ./data --prefix user: --limit 10
  hitkv scan ./data --gte 2026-01 --lt 2026-02 --json

A line is the key, a tab and the value, as they are; on a terminal, control characters and bytes that
are not UTF-8 are shown as \\xNN. For the JSON of everything hitkv dump is faster.`,
    );
  return addRangeOptions(command).action(async (url: string, flags: ScanFlags) => {
    const scan: ScanOptions = { ...rangeOf(flags, command) };
    if (flags.reverse) scan.reverse = true;
    if (flags.limit !== undefined) scan.limit = flags.limit;
    await reading(surroundings, url, (store) => print(store, scan, flags, surroundings));
  });
}

function parseLimit(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('Use 0 or a positive integer.');
}

async function print(
  store: BytesStore,
  scan: ScanOptions,
  flags: ScanFlags,
  { out, terminal }: Surroundings,
) {
  const lines = new LineOutput(out);
  const shown = terminal.out ? visible : (bytes: Uint8Array) => bytes;
  if (flags.keys || flags.values) {
    const json = (bytes: Uint8Array) => entryJson(flags.keys ? { key: bytes } : { value: bytes });
    const line = flags.json ? json : shown;
    for await (const bytes of flags.keys ? store.keys(scan) : store.values(scan)) {
      lines.add(line(bytes), flags.json ? '\n' : NEWLINE);
      if (lines.full) await lines.write();
    }
  } else if (flags.json) {
    await jsonLines(store, scan, lines);
  } else {
    for await (const [key, value] of store.entries(scan)) {
      lines.add(shown(key), TAB, shown(value), NEWLINE);
      if (lines.full) await lines.write();
    }
  }
  await lines.write();
}

/** A scan gives no expiries, so each entry is read as well. The store was opened read-only: both see one moment. */
async function jsonLines(store: BytesStore, scan: ScanOptions, lines: LineOutput) {
  let page: Uint8Array[] = [];
  const end = async () => {
    const entries = await Promise.all(page.map((key) => store.getEntry(key)));
    for (const [index, key] of page.entries()) {
      const entry = entries[index];
      // Otherwise it has expired meanwhile.
      if (entry) lines.add(entryJson({ key, ...entry }), '\n');
      if (lines.full) await lines.write();
    }
    page = [];
  };
  for await (const key of store.keys(scan)) if (page.push(key) === PAGE_KEYS) await end();
  await end();
}
