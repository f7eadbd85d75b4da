import { EXIT } from './exit-codes.js';

/**
 * A second signal within this time is the same one: `npm start` hands on the Ctrl-C that the terminal has already
 * sent to every process in front of it.
 */
const SAME_SIGNAL_MS = 1_000;

/** What the process ends with, as shells report a signal. */
export const STOP_EXIT_CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

/**
 * Aborts at the first SIGINT or SIGTERM, whose name is the reason, so that the caller can end gracefully. Another one later ends the process at
 * once. `release` gives the signals back to the system.
 */
export function stopSignal(): { signal: AbortSignal; release(): void } {
  const stop = new AbortController();
  let firstMs = 0;
  const heard = (name: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      firstMs = performance.now();
      stop.abort(name);
    } else if (performance.now() - firstMs > SAME_SIGNAL_MS) {
      process.exit(STOP_EXIT_CODES[name as keyof typeof STOP_EXIT_CODES]);
    }
  };
  const names = Object.keys(STOP_EXIT_CODES) as (keyof typeof STOP_EXIT_CODES)[];
  for (const name of names) process.on(name, heard);
  return {
    signal: stop.signal,
    release: () => {
      for (const name of names) process.off(name, heard);
    },
  };
}

/** Resolves when `signal` aborts, and keeps the process alive until then: neither a store nor a server does. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 2 ** 31 - 1);
    const end = () => {
      clearInterval(alive);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
