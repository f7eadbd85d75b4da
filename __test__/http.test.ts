import { readdir } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { command, type Served, serve } from './http-client.js';
import { temporaryFolder } from './place.js';

// One server for all that can share one. A test that needs a key to be absent takes it away first.
let server: Served;
beforeAll(async () => {
  const ends: (() => void | Promise<void>)[] = [];
  server = await serve('memory:', (end) => ends.push(end));
  return async () => {
    for (const end of ends) await end();
  };
});

describe('the routes of Go-Hit', () => {
  test('set answers 201 and nothing, get the entry, delete 204 and nothing', async () => {
    const set = await server.send('POST', '/set', '{"key":"foo","value":"bar"}');
    expect([set.status, set.body]).toEqual([201, '']);
    const get = await server.send('GET', '/get?key=foo');
    expect([get.status, get.headers['content-type'], get.body]).toEqual([
      200,
      'application/json',
      '{"key":"foo","value":"bar"}',
    ]);
    const remove = await server.send('DELETE', '/delete?key=foo');
    expect([remove.status, remove.body]).toEqual([204, '']);
    expect((await server.get('foo')).body).toBe('{"key":"foo","value":""}');
  });

  test('a missing key is an empty value, and deleting it is fine', async () => {
    const get = await server.send('GET', '/get?key=nope');
    expect([get.status, get.headers['content-type'], get.body]).toEqual([
      200,
      'application/json',
      '{"key":"nope","value":""}',
    ]);
    expect((await server.delete('nope')).status).toBe(204);
  });

  test('HEAD answers like GET without the body', async () => {
    await server.set('foo', 'bar');
    const get = await server.send('GET', '/get?key=foo');
    const head = await server.send('HEAD', '/get?key=foo');
    expect([head.status, head.body]).toEqual([200, '']);
    expect(head.headers['content-type']).toBe(get.headers['content-type']);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
  });

  test('unknown fields are ignored, and no content type is asked for', async () => {
    const body = '{"ttl":7,"value":"bar","key":"foo","more":{"a":[1,null]}}';
    for (const headers of [
      {},
      { 'content-type': 'application/json' },
      { 'content-type': 'application/x-www-form-urlencoded' },
    ]) {
      expect((await server.send('POST', '/set', body, headers)).status).toBe(201);
    }
    expect((await server.get('foo')).body).toBe('{"key":"foo","value":"bar"}');
  });

  test('plus and %20 are spaces, and the first of several keys counts', async () => {
    await server.set('a b', 'space');
    await server.set('a+b', 'plus');
    for (const [path, value] of [
      ['/get?key=a+b', 'space'],
      ['/get?key=a%20b', 'space'],
      ['/get?key=a%2Bb', 'plus'],
      ['/get?key=a%2bb&key=a+b', 'plus'],
      ['/get?other=x&key=a+b', 'space'],
      ['/get?%6Bey=a+b', 'space'],
    ] as const) {
      expect(JSON.parse((await server.send('GET', path)).body).value, path).toBe(value);
    }
    expect((await server.send('DELETE', '/delete?key=a+b&key=a%2Bb')).status).toBe(204);
    expect(JSON.parse((await server.get('a b')).body).value).toBe('');
    expect(JSON.parse((await server.get('a+b')).body).value).toBe('plus');
  });

  test('answers escape what Go escapes', async () => {
    const text = '<a href="x">&\u2028\u2029\\\n\t\r\0\u0001é😀</a>\u007f';
    await server.set(text, text);
    const escaped =
      '\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029\\\\\\n\\t\\r\\u0000\\u0001é😀\\u003c/a\\u003e\u007f';
    expect((await server.get(text)).body).toBe(`{"key":"${escaped}","value":"${escaped}"}`);
  });

  test('JSON escapes in a request are understood', async () => {
    const body = '{"\\u006bey":"\\u0066oo\\/","value":"\\ud83d\\ude00\\n"}';
    expect((await server.send('POST', '/set', body)).status).toBe(201);
    expect(JSON.parse((await server.get('foo/')).body)).toEqual({ key: 'foo/', value: '😀\n' });
  });

  test('keys are keys and never paths', async () => {
    const folder = await temporaryFolder();
    const filed = await serve(`file:${folder}/store`);
    const keys = [
      '../escape',
      '/etc/passwd',
      'a/b/c',
      '..',
      '.',
      'a\0b',
      '%2e%2e%2f',
      'x'.repeat(300),
      'C:\\x',
      'key=a&b',
      '?',
      '#',
      'é',
    ];
    for (const key of keys) expect((await filed.set(key, `of ${key}`)).status, key).toBe(201);
    for (const key of keys)
      expect(JSON.parse((await filed.get(key)).body), key).toEqual({ key, value: `of ${key}` });
    expect(await readdir(folder)).toEqual(['store']);
    expect(await filed.stop('SIGTERM')).toBe(0);
    const db = await open(`file:${folder}/store`);
    expect([...db.keysSync()]).toEqual(
      [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
    );
    await db.close();
  });

  test('a value may be empty, and large', async () => {
    expect((await server.set('empty', '')).status).toBe(201);
    const large = 'é'.repeat(2_000_000);
    expect((await server.set('large', large)).status).toBe(201);
    expect(JSON.parse((await server.get('large')).body).value === large).toBe(true);
  });
});

describe('what is refused', () => {
  test('a bad set is 400 with a reason, and nothing is set', async () => {
    await server.delete('foo');
    for (const body of [
      '',
      'key=foo',
      '{"key":"foo","value":"ba',
      '{"key":"foo","value":"bar"}{"key":"foo2","value":"bar"}',
      '["foo","bar"]',
      'null',
      '{"key":7,"value":"bar"}',
      '{"key":"foo","value":7}',
      '{"key":"foo","value":{}}',
      '{"key":"foo","value":"\\ud800"}',
      Buffer.from('{"key":"foo","value":"\xff"}', 'latin1'),
      '{"value":"bar"}',
      '{"key":"","value":"bar"}',
      `{"key":"${'x'.repeat(2049)}","value":"bar"}`,
    ]) {
      const answer = await server.send('POST', '/set', body);
      expect([answer.status, answer.headers['content-type']], `${body}`).toEqual([
        400,
        'text/plain; charset=utf-8',
      ]);
      expect(answer.body).toMatch(/^\S.*\n$/);
      expect((await server.get('foo')).body).toBe('{"key":"foo","value":""}');
    }
  });

  test('a key that can be none is 400', async () => {
    for (const query of [
      '',
      '?',
      '?key=',
      '?key',
      '?other=foo',
      `?key=${'x'.repeat(2049)}`,
      '?key=%ff',
      '?key=%zz',
    ]) {
      for (const [method, path] of [
        ['GET', '/get'],
        ['DELETE', '/delete'],
      ] as const) {
        const answer = await server.send(method, path + query);
        expect(answer.status, `${method} ${path}${query}`).toBe(400);
        expect(answer.body).toMatch(/^\S.*\n$/);
      }
    }
  });

  test('a wrong method is 405 and names the right ones', async () => {
    await server.set('foo', 'bar');
    for (const [method, path, allowed] of [
      ['GET', '/set?key=foo', 'POST'],
      ['PUT', '/set', 'POST'],
      ['DELETE', '/set', 'POST'],
      ['POST', '/get?key=foo', 'GET'],
      ['DELETE', '/get?key=foo', 'GET'],
      ['GET', '/delete?key=foo', 'DELETE'],
      ['POST', '/delete?key=foo', 'DELETE'],
    ] as const) {
      const answer = await server.send(
        method,
        path,
        method === 'PUT' || method === 'POST' ? '{"key":"foo","value":"other"}' : undefined,
      );
      expect(answer.status, `${method} ${path}`).toBe(405);
      expect(answer.headers.allow).toContain(allowed);
    }
    expect((await server.get('foo')).body).toBe('{"key":"foo","value":"bar"}');
  });

  test('another path is 404 in text', async () => {
    for (const path of ['/', '/sets', '/get/foo', '/get/', '/../etc/passwd', '/GET?key=foo']) {
      const answer = await server.send('GET', path);
      expect([answer.status, answer.headers['content-type']], path).toEqual([
        404,
        'text/plain; charset=utf-8',
      ]);
      expect(answer.body.length).toBeGreaterThan(0);
    }
  });

  test('stored bytes that are not text are 500, never other characters', async () => {
    const url = `file:${await temporaryFolder()}`;
    const db = await open(url, { valueEncoding: 'binary' });
    await db.set('key', Uint8Array.of(0x61, 0xff));
    await db.close();
    const filed = await serve(url);
    const answer = await filed.get('key');
    expect(answer.status).toBe(500);
    expect(answer.body).toContain('HIT_VALUE_INVALID');
    expect(answer.body).not.toContain('\ufffd');
  });

  test('bytes that are no HTTP do not harm the others', async () => {
    for (const bytes of [
      '\0\0\0\0\r\n\r\n',
      'GET\r\n\r\n',
      'POST /set HTTP/1.1\r\ncontent-length: -1\r\n\r\n',
      `GET /${'x'.repeat(200_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const socket = await server.connect();
      const ended = new Promise<void>((resolve) =>
        socket.on('close', () => resolve()).on('error', () => resolve()),
      );
      socket.resume();
      socket.write(bytes);
      await ended;
    }
    const half = await server.connect();
    half.write('POST /set HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"key":"half"');
    half.destroy();
    expect((await server.set('foo', 'bar')).status).toBe(201);
    expect((await server.get('half')).body).toBe('{"key":"half","value":""}');
  });
});

describe('starting', () => {
  test('it says where it answers, where the data is, and two lines to try', async () => {
    const folder = await temporaryFolder();
    const child = command(['serve', `${folder}/store`, '--http', '127.0.0.1:0']);
    let said = '';
    while (!/curl[^\n]*\n[^\n]*curl/.test(said)) said += `${await child.line()}\n`;
    expect(said).toMatch(/http:\/\/127\.0\.0\.1:[1-9]\d*/);
    expect(said).toContain(`${folder}/store`);
  });

  test('a busy port names itself and the flag, and the store is left free', async () => {
    const url = `file:${await temporaryFolder()}/store`;
    for (const [args, env] of [
      [['--http', `127.0.0.1:${server.port}`], {}],
      [[], { PORT: String(server.port) }],
    ] as [string[], NodeJS.ProcessEnv][]) {
      const child = command(['serve', url, ...args], env);
      const exit = await child.exit;
      expect(exit.code).toBe(1);
      expect(exit.stderr).toContain(String(server.port));
      expect(exit.stderr).toContain('--http');
    }
    await (await open(url)).close();
  });

  test('a store that another process serves is HIT_LOCKED and exit code 4', async () => {
    const url = `file:${await temporaryFolder()}`;
    const filed = await serve(url);
    const exit = await command(['serve', url, '--http', '127.0.0.1:0']).exit;
    expect(exit.code).toBe(4);
    expect(exit.stderr).toContain('HIT_LOCKED');
    expect(exit.stderr).toContain(String(filed.child.pid));
    expect((await filed.set('foo', 'bar')).status).toBe(201);
  });

  test.each([
    ['an unknown flag', ['serve', 'memory:', '--htp', '1']],
    ['an unknown command', ['serv', 'memory:']],
    ['no URL', ['serve']],
    ['an address that is none', ['serve', 'memory:', '--http', 'nonsense']],
  ])('%s is exit code 2 and says what is wrong', async (_, args) => {
    const exit = await command(args).exit;
    expect(exit.code).toBe(2);
    expect(exit.stderr.length).toBeGreaterThan(10);
  });

  test('an unknown scheme is exit code 1 and its code', async () => {
    const exit = await command(['serve', 'nonsense://x', '--http', '127.0.0.1:0']).exit;
    expect(exit.code).toBe(1);
    expect(exit.stderr).toContain('HIT_CONFIG');
  });
});
