/** What a command sees of the world; tests pass their own. */
import { createInterface } from 'node:readline';
import {
  type DumpOptions,
  type LoadOptions,
  open,
  type Store,
  type VerifyReport,
  verify,
} from '../../index.js';
import { dumpOutput, loadInput } from '../native/handle.js';
import { Ended, EXIT } from './exit-codes.js';
import type { LongOptions } from './long-work.js';
import { type Serve, serve } from './serve.js';

/** A store whose keys and values are bytes, as a command line must take them. */
export type BytesStore = Store<Uint8Array, Uint8Array>;

/** How a command opens one. */
export interface BytesOptions {
  keyEncoding: 'binary';
  valueEncoding: 'binary';
  readOnly?: boolean;
  createIfMissing: boolean;
}

export interface Surroundings {
  /** Writes data to standard output, and resolves when it may go on. Rejects with `Ended`. */
  out(data: string | Uint8Array): Promise<void>;
  /** Says something to the user, on standard error. */
  err(text: string): void;
  /** Standard input. */
  input(): AsyncIterable<Uint8Array>;
  /** Which of the three streams are a terminal, and how wide it is. */
  terminal: Readonly<{ in: boolean; out: boolean; err: boolean; columns: number }>;
  /** Asks the user on the terminal; the empty answer where there is none. */
  ask(question: string): Promise<string>;
  env: Readonly<Record<string, string | undefined>>;
  open(url: string, options: BytesOptions): Promise<BytesStore>;
  verify(url: string, options: LongOptions): Promise<VerifyReport>;
  /** Loads what standard input holds. */
  loadInput(store: BytesStore, options: LoadOptions): Promise<{ loaded: number; skipped: number }>;
  /** Dumps to standard output. */
  dumpOutput(store: BytesStore, options: DumpOptions): Promise<{ dumped: number }>;
  serve: Serve;
}

export const ofThisProcess: Surroundings = {
  out: (data) =>
    new Promise((resolve, reject) => {
      process.stdout.write(data, (error) => (error ? reject(outputFailed(error)) : resolve()));
    }),
  err: (text) => void process.stderr.write(text),
  input: () => process.stdin,
  get terminal() {
    const { stdin, stdout, stderr } = process;
    return {
      in: stdin.isTTY === true,
      out: stdout.isTTY === true,
      err: stderr.isTTY === true,
      columns: stderr.columns ?? 80,
    };
  },
  ask: (question) =>
    new Promise((resolve) => {
      // Not as a terminal: Ctrl-C stays the signal that it is.
      const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
      lines.once('close', () => resolve(''));
      lines.question(question, (answer) => {
        resolve(answer);
        lines.close();
      });
    }),
  env: process.env,
  open: (url, options) => open(url, options) as Promise<BytesStore>,
  verify,
  loadInput,
  dumpOutput,
  serve,
};

/** A reader that went away (`hitkv scan … | head`) had what it wanted: no complaint, but no success either. */
function outputFailed(error: Error & { code?: string }): Ended {
  if (error.code === 'EPIPE') return new Ended(EXIT.readerGone);
  return new Ended(EXIT.failed, `standard output takes no more: ${error.message}`);
}
