import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What `hitkv` runs. */
export const program = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));

/** How a command line ended. */
export interface Ended {
  out: Buffer;
  err: string;
  code: number | null;
}

/** Runs a command line in a process of its own, to its end. */
export function hitkv(args: string[], input: string | Buffer = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', maxBuffer: 1 << 28 } as const;
    const child = execFile(process.execPath, [program, ...args], options, (_, out, err) =>
      resolve({ out, err: err.toString(), code: child.exitCode }),
    );
    child.stdin?.on('error', () => {}); // Not every command reads it.
    child.stdin?.end(input);
  });
}
