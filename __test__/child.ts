import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** How a child process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** A child process that reports by lines on its standard output. */
export interface Child {
  readonly pid: number;
  /** Its lines that have not been taken yet. */
  readonly lines: AsyncIterableIterator<string>;
  /** The next line; rejects where the child ends instead. */
  line(): Promise<string>;
  /** Sends a line to its standard input. */
  send(line: string): void;
  /** Sends a line and takes the next one as the answer. */
  ask(line: string): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  readonly exit: Promise<Exit>;
}

/** Takes what is to be done at the end; by default that is the end of the running test. */
export type AtEnd = (end: () => void | Promise<void>) => void;

const children = new URL('children/', import.meta.url);

/** Starts a script of `children/`, or another one by its URL, on the built package; it ends with the running test at the latest. */
export function start(
  script: string | URL,
  args: string[] = [],
  options: { flags?: string[]; env?: NodeJS.ProcessEnv; atEnd?: AtEnd } = {},
): Child {
  if (!existsSync(new URL('../dist/index.js', import.meta.url))) {
    throw new Error('child processes run the built package, and dist/ is not there: npm run build');
  }
  const path = fileURLToPath(typeof script === 'string' ? new URL(script, children) : script);
  const child: ChildProcess = spawn(process.execPath, [...(options.flags ?? []), path, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
  });
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error('a child has no pipes');
  stdin.on('error', () => {}); // It may end before it has read everything.
  let complaints = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const exit = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stderr: complaints }));
  });
  (options.atEnd ?? onTestFinished)(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]() as AsyncIterableIterator<string>;
  const line = async () => {
    const next = await lines.next();
    if (!next.done) return next.value;
    throw new Error(`${path} ended without a further line: ${JSON.stringify(await exit)}`);
  };
  return {
    pid: child.pid ?? 0,
    lines,
    line,
    send: (text) => void stdin.write(`${text}\n`),
    ask: (text) => {
      stdin.write(`${text}\n`);
      return line();
    },
    kill: (signal) => void child.kill(signal),
    exit,
  };
}

/** What a child that ended by itself, without a crash, leaves. */
export const succeeded = { code: 0, signal: null, stderr: '' };
