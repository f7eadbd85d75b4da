import { expect, test } from 'vitest';
import { open } from '../index.js';
import { serve } from './http-client.js';
import { temporaryFolder } from './place.js';

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s stops it with exit code 0, and the data is there after a restart',
  async (signal) => {
    const url = `file:${await temporaryFolder()}`;
    const first = await serve(url);
    for (let number = 0; number < 50; number += 1)
      expect((await first.set(`key${number}`, `${number}`)).status).toBe(201);
    await first.delete('key0');
    expect(await first.stop(signal)).toBe(0);
    const second = await serve(url);
    expect((await second.get('key0')).body).toBe('{"key":"key0","value":""}');
    for (let number = 1; number < 50; number += 1) {
      expect((await second.get(`key${number}`)).body).toBe(`{"key":"key${number}","value":"${number}"}`);
    }
    expect(await second.stop(signal)).toBe(0);
  },
);

test.each(['SIGTERM', 'SIGINT'] as const)(
  'requests that have been read when %s comes are answered, and what was answered is kept',
  async (signal) => {
    const url = `file:${await temporaryFolder()}`;
    const server = await serve(url);
    const answered: string[] = [];
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let number = 0; ; number += 1) {
        const key = `${writer}:${number}`;
        try {
          const answer = await server.set(key, 'value');
          expect(answer.status).toBe(201);
        } catch (error) {
          // It was not read any more: the connection was refused or closed. Never half an answer.
          expect(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']).toContain((error as NodeJS.ErrnoException).code);
          return;
        }
        answered.push(key);
        if (answered.length === 500) server.child.kill(signal);
      }
    });
    await Promise.all(writers);
    expect(await server.child.exit).toMatchObject({ code: 0, signal: null });
    const db = await open(url);
    expect(answered.filter((key) => !db.hasSync(key))).toEqual([]);
    await db.close();
  },
);

test('pipelined requests that were sent before the signal are answered in order', async () => {
  const server = await serve('memory:');
  const socket = await server.connect();
  let received = '';
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const first = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      resolve();
    });
  });
  const body = '{"key":"foo","value":"bar"}';
  const set = `POST /set HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  socket.write(`${set}GET /get?key=foo HTTP/1.1\r\nhost: x\r\n\r\n`);
  await first;
  server.child.kill('SIGTERM');
  await ended;
  expect(received).toMatch(/^HTTP\/1\.1 201 /);
  expect(received.match(/HTTP\/1\.1 \d+/g)?.every((line) => /201|200/.test(line))).toBe(true);
  expect((await server.child.exit).code).toBe(0);
});

test('idle connections do not hold it up', async () => {
  const server = await serve('memory:');
  await server.set('foo', 'bar');
  const idle = await Promise.all(Array.from({ length: 5 }, () => server.connect()));
  const closed = idle.map(
    (socket) => new Promise<void>((resolve) => socket.on('close', () => resolve()).resume()),
  );
  expect(await server.stop('SIGTERM')).toBe(0);
  await Promise.all(closed);
});

test('SIGKILL loses nothing that was answered', async () => {
  const url = `file:${await temporaryFolder()}`;
  const server = await serve(url);
  const answered: string[] = [];
  await Promise.all(
    Array.from({ length: 10 }, async (_, writer) => {
      for (let number = 0; ; number += 1) {
        try {
          if ((await server.set(`${writer}:${number}`, 'value')).status === 201)
            answered.push(`${writer}:${number}`);
        } catch {
          return;
        }
        if (answered.length === 300) server.child.kill('SIGKILL');
      }
    }),
  );
  expect((await server.child.exit).signal).toBe('SIGKILL');
  const db = await open(url);
  expect(answered.filter((key) => !db.hasSync(key))).toEqual([]);
  await db.close();
});
