/** The command line as a whole: one command a file, each listed here. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { backupCommand } from './backup.js';
import { clearCommand } from './clear.js';
import { compactCommand } from './compact.js';
import { countCommand } from './count.js';
import { deleteCommand } from './delete.js';
import { dumpCommand } from './dump.js';
import { EXIT, EXIT_CODES_HELP, exitCodeOf } from './exit-codes.js';
import { describeFailure } from './failure.js';
import { getCommand } from './get.js';
import { loadCommand } from './load.js';
import { scanCommand } from './scan.js';
import { serveCommand } from './serve.js';
import { setCommand } from './set.js';
import { statsCommand } from './stats.js';
import { ofThisProcess, type Surroundings } from './surroundings.js';
import { verifyCommand } from './verify.js';

/** The commands as `hitkv --help` lists them. */
const GROUPS: readonly [string, readonly ((surroundings: Surroundings) => Command)[]][] = [
  ['Server:', [serveCommand]],
  [
    'Reading, also while another process has the store:',
    [getCommand, scanCommand, countCommand, dumpCommand, statsCommand, verifyCommand, backupCommand],
  ],
  [
    'Writing, while no other process has the store:',
    [setCommand, deleteCommand, clearCommand, loadCommand, compactCommand],
  ],
];

/** Runs one command line (without `node` and the script) and returns the exit code. Never rejects. */
export async function run(args: readonly string[], surroundings = ofThisProcess): Promise<number> {
  const program = hitkv(surroundings);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.done;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    // Help, the version and complaints about the arguments are printed by then.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misunderstood;
    const failure = describeFailure(error);
    if (failure !== '') surroundings.err(`hitkv: ${failure}\n`);
    return exitCodeOf(error);
  }
}

function hitkv(surroundings: Surroundings): Command {
  const { version } = createRequire(import.meta.url)('hitkv/package.json') as { version: string };
  const program = new Command('hitkv')
    .description('A key-value store: reads come from memory, an awaited write is on disk.')
    .version(version, '--version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', `${EXIT_CODES_HELP}\n\nhitkv <command> --help has options and examples.`);
  configure(program, surroundings);
  for (const [group, commands] of GROUPS) {
    for (const make of commands) {
      const command = make(surroundings).helpGroup(group);
      configure(command, surroundings);
      program.addCommand(command);
    }
  }
  return program;
}

/** What every command has alike. */
function configure(command: Command, { out, err }: Surroundings): void {
  const name = command.name();
  command
    .helpOption('--help', 'print this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void out(text).catch(() => {}),
      writeErr: err,
      outputError: (text, write) => write(text.replace(/^error: /, 'hitkv: ')),
    })
    .showHelpAfterError(`see: ${name === 'hitkv' ? name : `hitkv ${name}`} --help`);
}
