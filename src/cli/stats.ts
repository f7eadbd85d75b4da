/** `hitkv stats <url>`: figures of a store. */
import { Command } from 'commander';
import { reading, STORE } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** Reads the arguments of `stats`. */
export function statsCommand(surroundings: Surroundings): Command {
  return new Command('stats')
    .description('print the figures of a store')
    .argument('<url>', STORE)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Example:
  hitkv stats ./data --json

Names that end in Bytes are bytes, in Ms milliseconds. What concerns memory is what this command itself took
to open the store.`,
    )
    .action(async (url: string, flags: { json?: true }) => {
      const stats = await reading(surroundings, url, async (store) => plain(store.stats()));
      await surroundings.out(flags.json ? `${JSON.stringify(stats)}\n` : table(stats));
    });
}

/** Errors have no members that JSON would show. */
function plain(stats: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(stats).map(([name, figure]) => [name, plainFigure(figure)]));
}

function plainFigure(figure: unknown): unknown {
  if (figure instanceof Error) return { code: (figure as { code?: unknown }).code, message: figure.message };
  return typeof figure === 'object' && figure !== null ? plain(figure) : figure;
}

function table(stats: Record<string, unknown>): string {
  const figures = lines(stats);
  const width = Math.max(...figures.map(([name]) => name.length));
  return figures.map(([name, figure]) => `${name.padEnd(width)}  ${shown(figure)}\n`).join('');
}

/** The figures of a storage stand in lines of their own: `rocksdb.levels`. */
function lines(stats: Record<string, unknown>): [string, unknown][] {
  return Object.entries(stats).flatMap(([name, figure]) =>
    name === 'rocksdb'
      ? Object.entries(figure as object).map(([own, value]): [string, unknown] => [`${name}.${own}`, value])
      : [[name, figure] as [string, unknown]],
  );
}

function shown(figure: unknown): string {
  return typeof figure === 'string' ? figure : (JSON.stringify(figure) ?? String(figure));
}
