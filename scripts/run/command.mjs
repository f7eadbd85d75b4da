import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../root.mjs';

const running = new Set();

/**
 * Runs a program to its end with its output in a file, and answers with that text. It never rejects: a program that
 * cannot be started, is killed or takes longer than `timeoutMs` is an answer with `code` other than 0 and a `problem`.
 * An abort of `signal` ends it too.
 */
export function runCommand(command, args, { env = process.env, cwd = root, timeoutMs, log, signal } = {}) {
  const folder = log ? undefined : mkdtempSync(join(tmpdir(), 'hitkv-run-'));
  const file = log ?? join(folder, 'output');
  mkdirSync(dirname(file), { recursive: true });
  // Both streams into one file: a line of stdout stands where it belongs among those of stderr.
  const output = openSync(file, 'w');
  return new Promise((resolve) => {
    // A group of its own, so that a program that does not end is ended with all it started.
    const grouped = process.platform !== 'win32';
    const child = spawn(command, args, {
      cwd,
      env: quiet(env),
      stdio: ['ignore', output, output],
      detached: grouped,
    });
    closeSync(output);
    const end = (how) => {
      try {
        process.kill(grouped ? -child.pid : child.pid, how);
      } catch {}
    };
    const abort = () => end('SIGTERM');
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    running.add(end);
    let problem = '';
    const timer =
      timeoutMs &&
      setTimeout(() => {
        problem = `did not end within ${Math.round(timeoutMs / 60_000)} minutes`;
        end('SIGKILL');
      }, timeoutMs);
    const finish = (code, endedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (!running.delete(end)) return;
      if (endedBy && !problem) problem = `was ended by ${endedBy}`;
      const text = readFileSync(file, 'utf8');
      if (folder) rmSync(folder, { recursive: true, force: true });
      resolve({ code: code ?? 1, problem, output: text, log });
    };
    child.on('error', (error) => {
      problem = `could not be started: ${error.message}`;
      finish(1);
    });
    child.on('close', finish);
  });
}

/** Ends everything that runs when we are told to end, and then ourselves the way the signal does. Returns what undoes it. */
export function endWithSignals() {
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    const handler = () => {
      for (const end of running) end('SIGTERM');
      removeAll();
      process.kill(process.pid, signal);
    };
    process.on(signal, handler);
    return [signal, handler];
  });
  const removeAll = () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
  return removeAll;
}

function quiet(env) {
  const { FORCE_COLOR: _, ...rest } = env;
  return { ...rest, NO_COLOR: '1', CARGO_TERM_COLOR: 'never', CARGO_TERM_PROGRESS_WHEN: 'never' };
}
