import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type AtEnd, type Child, start } from './child.js';

const commandLine = new URL('../dist/src/cli/main.js', import.meta.url);

/** An answer as it came. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** `hitkv serve` in a process of its own. */
export interface Served {
  readonly child: Child;
  readonly port: number;
  send(method: string, path: string, body?: string | Buffer, headers?: OutgoingHttpHeaders): Promise<Answer>;
  set(key: string, value: string): Promise<Answer>;
  get(key: string): Promise<Answer>;
  delete(key: string): Promise<Answer>;
  /** A connection for bytes as they are. */
  connect(): Promise<Socket>;
  /** Sends a signal and gives the exit code of the process. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs a command of `hitkv`. */
export function command(args: string[], env: NodeJS.ProcessEnv = {}, atEnd: AtEnd = onTestFinished): Child {
  return start(commandLine, args, { env: { PORT: undefined, ...env }, atEnd });
}

/** Serves a store on a free port of 127.0.0.1 until the running test ends, or until `atEnd` says. */
export async function serve(url: string, atEnd: AtEnd = onTestFinished): Promise<Served> {
  const child = command(['serve', url, '--http', '127.0.0.1:0'], {}, atEnd);
  let port = 0;
  // The banner ends with the two lines to try.
  for (let line = ''; !line.includes('/get?key='); line = await child.line()) {
    port ||= Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0);
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  atEnd(() => agent.destroy());

  const send: Served['send'] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, method, path, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return {
    child,
    port,
    send,
    set: (key, value) => send('POST', '/set', JSON.stringify({ key, value })),
    get: (key) => send('GET', `/get?key=${encodeURIComponent(key)}`),
    delete: (key) => send('DELETE', `/delete?key=${encodeURIComponent(key)}`),
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
        socket.on('error', reject);
        onTestFinished(() => void socket.destroy());
      }),
    stop: async (signal) => {
      child.kill(signal);
      return (await child.exit).code;
    },
  };
}
