/** `hitkv serve <url>`: one store over HTTP, until SIGINT or SIGTERM. */
import { Command } from 'commander';
import { HitError, open } from '../../index.js';
import { binding } from '../native/binding.js';
import { nativeStore } from '../native/handle.js';
import { banner } from './banner.js';
import { describeFailure } from './failure.js';
import { addressOfPort, parseHttpAddress } from './http-address.js';
import { aborted, stopSignal } from './stop-signal.js';
import type { Surroundings } from './surroundings.js';

/** Serves the store at `url` on `http` (`host:port`) and resolves when it was told to stop and has. */
export type Serve = (url: string, http: string, surroundings: Surroundings) => Promise<void>;

/** Reads the arguments of `serve`. */
export function serveCommand(surroundings: Surroundings): Command {
  return new Command('serve')
    .description('serve a store over HTTP until SIGINT or SIGTERM')
    .argument('<url>', 'where the data is: a folder, file:<folder>, rocksdb:<folder> or memory:')
    .option(
      '--http <host:port|off>',
      'where HTTP answers (default: 127.0.0.1:8080, or PORT)',
      parseHttpAddress,
    )
    .addHelpText(
      'after',
      `
Example:
  hitkv serve ./data --http 127.0.0.1:9000

A store that does not exist is made. While a server runs, get, scan, count, dump, stats, verify and backup
work beside it; commands that write name the server and say what to do.`,
    )
    .action(async (url: string, flags: { http?: string }, command: Command) => {
      const { PORT } = surroundings.env;
      const http = flags.http ?? addressOfPort(PORT);
      if (http === undefined)
        command.error(`error: PORT is '${PORT}': use a number from 0 to 65535, or --http`);
      if (http === 'off') command.error('error: nothing to serve: give --http an address');
      await surroundings.serve(url, http, surroundings);
    });
}

/** Serves from this process. */
export const serve: Serve = async (url, http, { out, err }) => {
  const { signal, release } = stopSignal();
  // A reader that goes away (`hitkv serve … | head`) is no reason to stop serving.
  const say = (text: string) => void out(text).catch(() => {});
  try {
    const store = await openUnless(signal, url, (error) => err(`hitkv: ${describeFailure(error)}\n`));
    if (!store) return;
    try {
      const server = await binding().serve(nativeStore(store), { http });
      say(banner(store.url, server.http ?? http));
      await aborted(signal);
      say('hitkv: stopping; once more stops at once\n');
      await server.stop();
    } finally {
      await store.close();
    }
  } finally {
    release();
  }
};

/** Opens the store; undefined where `signal` ended that. */
async function openUnless(signal: AbortSignal, url: string, onError: (error: HitError) => void) {
  try {
    return await open(url, { signal, onError });
  } catch (error) {
    if (HitError.is(error) && error.code === 'HIT_ABORTED') return undefined;
    throw error;
  }
}
