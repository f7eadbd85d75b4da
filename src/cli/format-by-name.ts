/** Formats that the name of a file tells; the engine decides, this only lets a command complain before it begins. */
import { extname } from 'node:path';
import type { Command } from 'commander';

const TELLING = {
  load: ['.ndjson', '.jsonl', '.csv', '.json'],
  dump: ['.ndjson', '.jsonl', '.csv'],
} as const;

/** Ends the command with exit code 2 where neither `--format` nor the name tells. */
export function requireFormat(format: string | undefined, path: string, command: Command): void {
  const names: readonly string[] = TELLING[command.name() as keyof typeof TELLING];
  if (format !== undefined || names.includes(extname(path).toLowerCase())) return;
  command.error(
    `error: the name of ${path} does not tell its format: give --format, or a name in ${names.join(', ')}`,
  );
}
