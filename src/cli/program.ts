/** The command line as a whole: one command a file, each listed here. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { describeFailure } from './failure.js';
import { type Serve, serve, serveCommand } from './serve.js';

/** Exit codes: what was asked for was done, it failed, or it could not be understood. */
const DONE = 0;
const FAILED = 1;
const MISUNDERSTOOD = 2;

/** Where a command writes, and what it runs; tests pass their own. */
export interface Surroundings {
  out(text: string): void;
  err(text: string): void;
  env: Readonly<Record<string, string | undefined>>;
  serve: Serve;
}

const ofThisProcess: Surroundings = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  env: process.env,
  serve,
};

/** Runs one command line (without `node` and the script) and returns the exit code. Never rejects. */
export async function run(args: readonly string[], surroundings = ofThisProcess): Promise<number> {
  const program = hitkv(surroundings);
  if (args.length === 0) {
    program.outputHelp();
    return DONE;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return DONE;
  } catch (error) {
    // Help, the version and complaints about the arguments are printed by then.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : MISUNDERSTOOD;
    surroundings.err(`hitkv: ${describeFailure(error)}\n`);
    return FAILED;
  }
}

function hitkv(surroundings: Surroundings): Command {
  const { version } = createRequire(import.meta.url)('hitkv/package.json') as { version: string };
  const program = new Command('hitkv')
    .description('A key-value store: reads come from memory, an awaited write is on disk.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false);
  for (const command of [program, serveCommand(surroundings)]) {
    if (command !== program) program.addCommand(command);
    command
      .exitOverride()
      .configureOutput({
        writeOut: surroundings.out,
        writeErr: surroundings.err,
        outputError: (text, write) => write(text.replace(/^error: /, 'hitkv: ')),
      })
      .showHelpAfterError(`see: ${command === program ? 'hitkv' : `hitkv ${command.name()}`} --help`);
  }
  return program;
}
