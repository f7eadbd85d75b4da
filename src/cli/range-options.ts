/** Which keys a command concerns. */
import { type Command, Option } from 'commander';
import type { Range } from '../types.js';
import { addKeyFlag, bytesOf, type KeyFlags, keyOf } from './key-arguments.js';

const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const;

export type RangeFlags = KeyFlags & Partial<Record<'prefix' | (typeof BOUNDS)[number], string>>;

/** Adds the options of a range. */
export function addRangeOptions(command: Command): Command {
  command
    .option('--prefix <text>', 'keys that begin with this UTF-8 text')
    .addOption(new Option('--gte <key>', 'keys from this one on').conflicts('gt'))
    .addOption(new Option('--gt <key>', 'keys behind this one'))
    .addOption(new Option('--lte <key>', 'keys up to this one').conflicts('lt'))
    .addOption(new Option('--lt <key>', 'keys before this one'));
  return addKeyFlag(command);
}

/** The range that was asked for; undefined is every key. */
export function rangeOf(flags: RangeFlags, command: Command): Range | undefined {
  const range: Range = {};
  if (flags.prefix !== undefined) range.prefix = bytesOf(flags.prefix, flags, command);
  for (const bound of BOUNDS) {
    const text = flags[bound];
    if (text !== undefined) range[bound] = keyOf(text, flags, command);
  }
  return Object.keys(range).length > 0 ? range : undefined;
}
