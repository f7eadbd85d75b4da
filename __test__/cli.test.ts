import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { serve } from './http-client.js';
import { temporaryFolder } from './place.js';

const program = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));

interface Ended {
  out: Buffer;
  err: string;
  code: number | null;
}

/** Runs a command line in a process of its own, to its end. */
function hitkv(args: string[], input: string | Buffer = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { encoding: 'buffer', maxBuffer: 1 << 28 } as const;
    const child = execFile(process.execPath, [program, ...args], options, (_, out, err) =>
      resolve({ out, err: err.toString(), code: child.exitCode }),
    );
    child.stdin?.on('error', () => {}); // Not every command reads it.
    child.stdin?.end(input);
  });
}

let url: string;
beforeEach(async () => {
  url = join(await temporaryFolder(), 'store');
});

describe('beside a running server', () => {
  test('writing commands name it and say what works instead', async () => {
    const server = await serve(`file:${url}`);
    await server.set('kept', 'value');
    for (const args of [
      ['delete', url, 'kept'],
      ['clear', url, '--all'],
    ]) {
      const { code, err, out } = await hitkv(args);
      expect([code, out.toString()]).toEqual([4, '']);
      expect(err).toContain(`process ${server.child.pid}`);
      expect(err).toContain(`http://127.0.0.1:${server.port}`);
      expect(err).toContain('HIT_LOCKED');
    }
    const { code, err } = await hitkv(['set', url, "it's", '"new"\n$HOME']);
    expect(code).toBe(4);
    // What a shell makes of the line that is offered, without the program curl.
    const [, offered] = /^through its server: (curl -d .+)$/m.exec(err) ?? [];
    const shown = await new Promise<string>((resolve, reject) => {
      const script = `curl() { printf '%s\\0' "$@"; }\n${offered}`;
      execFile('sh', ['-c', script], (error, out) => (error ? reject(error) : resolve(out)));
    });
    const [flag, body, address] = shown.split('\0');
    expect(flag).toBe('-d');
    const answer = await fetch(address as string, { method: 'POST', body: body as string });
    expect(answer.status).toBe(201);
    await server.stop('SIGTERM');
    const db = await open(url);
    expect([...db.entriesSync()]).toEqual([
      ["it's", '"new"\n$HOME'],
      ['kept', 'value'],
    ]);
    await db.close();
  });
});
