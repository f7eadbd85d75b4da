import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { boundsOf } from './groups.mjs';

const WRITER = fileURLToPath(new URL('./writer.mjs', import.meta.url));

/**
 * Runs the writer over all groups but those of `skip`, to its end, or with `killAfter` until so many are acknowledged
 * and SIGKILL ends it. Returns which groups it sent, which were acknowledged, how many of the `count` entries those are, and how long that took.
 */
export async function runWriter({ url, options, count, skip, killAfter }) {
  const stopAfter = killAfter === undefined ? undefined : killAfter + Math.ceil(killAfter / 2);
  const child = spawn(process.execPath, [WRITER, JSON.stringify({ url, options, skip, stopAfter })], {
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });

  const sent = new Set();
  const acknowledged = new Set();
  let ms = 0;
  for await (const line of createInterface({ input: child.stdio[3] })) {
    const [what, group, elapsed] = line.split(' ');
    if (what === 's') sent.add(Number(group));
    else {
      acknowledged.add(Number(group));
      ms = Number(elapsed);
      if (acknowledged.size === killAfter) child.kill('SIGKILL');
    }
  }
  const { code, signal } = await ended;
  if (killAfter === undefined ? code !== 0 : signal !== 'SIGKILL') {
    throw new Error(`the writer ended with ${signal ?? `exit code ${code}`}`);
  }
  const entries = [...acknowledged].reduce((sum, group) => {
    const { from, to } = boundsOf(group, count);
    return sum + to - from;
  }, 0);
  return { sent, acknowledged, entries, ms };
}
