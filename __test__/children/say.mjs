import { writeSync } from 'node:fs';

/** Writes a line to standard output before it returns, from any thread: what was said is known even after SIGKILL. */
export function say(...words) {
  writeSync(1, `${words.join(' ')}\n`);
}
