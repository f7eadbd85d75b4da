import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { open } from '../index.js';
import { hitkv, program } from './command-line.js';
import { serve } from './http-client.js';
import { temporaryFolder } from './place.js';

let url: string;
beforeEach(async () => {
  url = join(await temporaryFolder(), 'store');
});

async function filled(entries: number): Promise<void> {
  const db = await open(url, { durability: 'memory' });
  const value = 'x'.repeat(100);
  await db.setMany(Array.from({ length: entries }, (_, at) => [`key:${at}`, value] as const));
  await db.close();
}

test('bytes go in through standard input and come out through standard output', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 256));
  expect(await hitkv(['set', url, 'photo'], bytes)).toMatchObject({ code: 0, err: '' });
  const { out, code } = await hitkv(['get', url, 'photo', '--raw']);
  expect([out.equals(bytes), code]).toEqual([true, 0]);
});

test('the end of a command says what happened', async () => {
  expect((await hitkv(['set', url, 'key', 'value'])).code).toBe(0);
  expect((await hitkv(['get', url, 'absent'])).code).toBe(3);
  expect((await hitkv(['get', url])).code).toBe(2);
  expect((await hitkv(['get', `${url}-misspelt`, 'key'])).code).toBe(1);
  expect((await hitkv(['clear', url])).code).toBe(2);
});

/** Runs a command whose reader goes away after the first output; its exit code and complaints. */
async function leftEarly(args: string[]): Promise<[code: number, err: string]> {
  const child = spawn(process.execPath, [program, ...args]);
  let err = '';
  child.stderr.on('data', (text) => {
    err += text;
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  return [code, err];
}

test('a reader that goes away ends a scan without a complaint', async () => {
  await filled(50_000);
  for (const form of [[], ['--json'], ['--keys']]) {
    expect(await leftEarly(['scan', url, ...form])).toEqual([141, '']);
  }
});

test('Ctrl-C ends a scan whose reader waits', async () => {
  await filled(50_000);
  const child = spawn(process.execPath, [program, 'scan', url]);
  onTestFinished(() => void child.kill('SIGKILL'));
  await Promise.race([once(child.stdout, 'readable'), once(child, 'exit')]);
  child.kill('SIGINT');
  const ended = once(child, 'exit');
  expect((await ended)[1]).toBe('SIGINT');
});

test.runIf(existsSync('/dev/full'))('output that cannot be written is a failure', async () => {
  await filled(10);
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [program, 'scan', url], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  let err = '';
  child.stderr?.on('data', (text) => {
    err += text;
  });
  const [code] = await once(child, 'close');
  expect(err).toMatch(/^hitkv: standard output takes no more: .*ENOSPC/);
  expect(code).toBe(1);
});

describe('load and dump', () => {
  test('a dump through a pipe and loaded again is the same store', async () => {
    await filled(20_000);
    const binary = Buffer.from([0xff, 0, 0xfe]);
    const db = await open(url, { keyEncoding: 'binary', valueEncoding: 'binary' });
    await db.set(binary, binary, { expiresAt: 4_102_444_800_000 });
    await db.close();
    for (const format of ['ndjson', 'csv']) {
      const dumped = await hitkv(['dump', url, '--format', format]);
      expect([dumped.code, dumped.err]).toEqual([0, '']);
      const copy = `${url}-${format}`;
      const loaded = await hitkv(['load', copy, '-', '--format', format], dumped.out);
      expect([loaded.code, loaded.err, loaded.out.toString()]).toEqual([0, '', 'loaded 20001 entries\n']);
      const [all, again] = await Promise.all([url, copy].map((store) => hitkv(['scan', store, '--json'])));
      expect(again?.out.equals(all?.out as Buffer)).toBe(true);
      expect(again?.out.toString()).toContain(
        '{"key64":"/wD+","value64":"/wD+","expiresAt":4102444800000}\n',
      );
    }
    const part = await hitkv(['dump', url, '-', '--prefix', '/w==', '--key64']);
    expect(part.out.toString()).toBe('{"key64":"/wD+","value64":"/wD+","expiresAt":4102444800000}\n');
  });

  test('a file is written whole, and its name says the format', async () => {
    await filled(3);
    const file = `${url}.csv`;
    expect(await hitkv(['dump', url, file])).toMatchObject({ code: 0, err: '' });
    expect(readFileSync(file, 'utf8').split('\n')[1]).toContain('key:0,xxx');
    const loaded = await hitkv(['load', `${url}-2`, file, '--json']);
    expect(JSON.parse(loaded.out.toString())).toEqual({ loaded: 3, skipped: 0 });
  });

  test('a bad line is named with its number; what came before stays', async () => {
    const input = '{"key":"a","value":"1"}\n\nnonsense\n{"key":"b","value":"2"}\n';
    const stopped = await hitkv(['load', url, '-', '--format', 'ndjson'], input);
    expect(stopped.err).toMatch(/^hitkv: .*line 3.*\(HIT_[A-Z_]+\)\n$/);
    expect(stopped.code).toBe(1);
    expect((await hitkv(['scan', url])).out.toString()).toBe('a\t1\n');
    const skipped = await hitkv(['load', url, '-', '--format', 'ndjson', '--skip-bad'], input);
    expect([skipped.code, skipped.out.toString()]).toEqual([0, 'loaded 2 entries, left 1 bad out\n']);
    expect((await hitkv(['scan', url])).out.toString()).toBe('a\t1\nb\t2\n');
  });

  test('a reader that goes away ends a dump without a complaint', async () => {
    await filled(50_000);
    expect(await leftEarly(['dump', url])).toEqual([141, '']);
  });
});

test('compact gives the space of overwritten entries back', async () => {
  for (let times = 0; times < 4; times += 1) await filled(20_000);
  const diskBytes = async () =>
    (JSON.parse((await hitkv(['stats', url, '--json'])).out.toString()) as { diskBytes: number }).diskBytes;
  const [before, entries] = [await diskBytes(), await hitkv(['scan', url])];
  expect(await hitkv(['compact', url])).toMatchObject({ code: 0, err: '' });
  expect(await diskBytes()).toBeLessThan(before / 2);
  expect((await hitkv(['scan', url])).out.equals(entries.out)).toBe(true);
});

test('a backup is a store, and its folder has to be empty', async () => {
  await filled(100);
  const copy = `${url}-copy`;
  expect(await hitkv(['backup', url, copy])).toMatchObject({ code: 0, err: '' });
  expect(await hitkv(['verify', copy])).toMatchObject({ code: 0, err: '' });
  expect((await hitkv(['scan', copy])).out.equals((await hitkv(['scan', url])).out)).toBe(true);
  const again = await hitkv(['backup', url, copy]);
  expect([again.code, again.err.includes('(HIT_CONFIG)')]).toEqual([1, true]);
});

test('damage is named with file and offset, also where the store does not open', async () => {
  await filled(1_000);
  const file = join(url, 'log', '00000001.log');
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] as number) ^ 1;
  writeFileSync(file, bytes);
  const { code, out, err } = await hitkv(['verify', url]);
  expect(out.toString()).toMatch(/00000001\.log:\d+: .+ \(HIT_CORRUPTION\)\n/);
  expect([code, err]).toEqual([5, expect.stringMatching(/^hitkv: \d+ problems? in /)]);
  expect((await hitkv(['scan', url])).code).toBe(5);
});

describe('beside a running server', () => {
  test('reading commands answer what is there', async () => {
    const server = await serve(`file:${url}`);
    await server.set('user:1', 'ada');
    await server.set('user:2', 'grace');
    expect((await hitkv(['get', url, 'user:1'])).out.toString()).toBe('ada\n');
    await server.delete('user:1');
    expect((await hitkv(['get', url, 'user:1'])).code).toBe(3);
    expect((await hitkv(['scan', url])).out.toString()).toBe('user:2\tgrace\n');
    expect((await hitkv(['count', url])).out.toString()).toBe('1\n');
    expect((await hitkv(['dump', url])).out.toString()).toBe('{"key":"user:2","value":"grace"}\n');
    expect(JSON.parse((await hitkv(['stats', url, '--json'])).out.toString())).toMatchObject({ entries: 1 });
    expect((await server.get('user:2')).body).toContain('grace');
  });

  test('verify checks what is on disk', async () => {
    const server = await serve(`file:${url}`);
    await server.set('user:1', 'ada');
    expect((await hitkv(['verify', url])).out.toString()).toMatch(/^ok, /);
  });

  test('backup copies it', async () => {
    const server = await serve(`file:${url}`);
    await server.set('user:1', 'ada');
    expect(await hitkv(['backup', url, `${url}-copy`])).toMatchObject({ code: 0, err: '' });
    expect((await hitkv(['get', `${url}-copy`, 'user:1'])).out.toString()).toBe('ada\n');
  });

  test('writing commands name it and say what works instead', async () => {
    const server = await serve(`file:${url}`);
    await server.set('kept', 'value');
    for (const args of [
      ['delete', url, 'kept'],
      ['clear', url, '--all'],
      ['load', url, program, '--format', 'ndjson'],
      ['compact', url],
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
