import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { hitkv, program } from './command-line.js';
import { serve } from './http-client.js';
import { temporaryFolder } from './place.js';

let folder: string;
let url: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  url = `rocksdb:${folder}/rocks`;
});

/** What a command prints that is to succeed without a complaint. */
async function output(...args: string[]): Promise<string> {
  const { code, err, out } = await hitkv(args);
  expect([args, code, err]).toEqual([args, 0, '']);
  return out.toString();
}

test('every command takes a store in RocksDB', async () => {
  await output('set', url, 'user:1', 'ada');
  await output('set', url, 'user:2', 'grace', '--expires-at', '4102444800000');
  expect(await output('get', url, 'user:1')).toBe('ada\n');
  expect((await hitkv(['get', url, 'absent'])).code).toBe(3);
  const lines =
    '{"key":"user:1","value":"ada"}\n{"key":"user:2","value":"grace","expiresAt":4102444800000}\n';
  expect(await output('scan', url, '--json')).toBe(lines);
  expect(await output('count', url, '--prefix', 'user:')).toBe('2\n');
  expect(await output('dump', url)).toBe(lines);
  writeFileSync(`${folder}/more.ndjson`, '{"key":"user:3","value":"edsger"}\n');
  expect(await output('load', url, `${folder}/more.ndjson`)).toBe('loaded 1 entry\n');
  await output('delete', url, 'user:1');
  await output('compact', url);
  expect(await output('verify', url)).toMatch(/^ok, /);
  await output('backup', url, `${folder}/copy`);
  expect(await output('scan', `rocksdb:${folder}/copy`)).toBe('user:2\tgrace\nuser:3\tedsger\n');
  await output('clear', url, '--all');
  expect(await output('count', url)).toBe('0\n');
  expect(await output('count', `rocksdb:${folder}/copy`)).toBe('2\n');
});

test('stats prints the figures of RocksDB in lines of their own, or as an object', async () => {
  await output('set', url, 'user:1', 'ada');
  expect(await output('stats', url)).toMatch(/^rocksdb\.levels +\d+$/m);
  const stats = JSON.parse(await output('stats', url, '--json')) as Record<string, unknown>;
  expect(stats).toMatchObject({ entries: 1, readOnly: true, rocksdb: { backgroundErrors: 0 } });
});

test('commands that read make nothing', async () => {
  for (const args of [
    ['get', url, 'key'],
    ['scan', url],
    ['verify', url],
    ['backup', url, `${folder}/copy`],
    ['delete', url, 'key'],
  ]) {
    const { code, err } = await hitkv(args);
    expect([args, code, err.includes('(HIT_CONFIG)')]).toEqual([args, 1, true]);
  }
  expect(readdirSync(folder)).toEqual([]);
});

test('a path names the kind of store that is there', async () => {
  await output('set', url, 'user:1', 'ada');
  const { code, err } = await hitkv(['get', `${folder}/rocks`, 'user:1']);
  expect([code, err]).toEqual([1, expect.stringContaining("'rocksdb:'")]);
});

test('damage is named with its file', async () => {
  const db = await open(url, { durability: 'os' });
  await db.setMany(Array.from({ length: 20_000 }, (_, at) => [`key:${at}`, `value ${at}`] as const));
  await db.compact();
  await db.close();
  const files = readdirSync(`${folder}/rocks/rocksdb`).filter((name) => name.endsWith('.sst'));
  const file = join(folder, 'rocks', 'rocksdb', files.toSorted().at(-1) as string);
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] as number) ^ 1;
  writeFileSync(file, bytes);
  const { code, out, err } = await hitkv(['verify', url]);
  expect(out.toString()).toMatch(/\d+\.sst:\d+: .+ \(HIT_CORRUPTION\)\n/);
  expect([code, err]).toEqual([5, expect.stringMatching(/^hitkv: \d+ problems? in /)]);
});

describe('beside a running server', () => {
  test('reading commands answer what is there', async () => {
    const server = await serve(url);
    await server.set('user:1', 'ada');
    await server.set('user:2', 'grace');
    expect(await output('get', url, 'user:1')).toBe('ada\n');
    await server.delete('user:1');
    expect((await hitkv(['get', url, 'user:1'])).code).toBe(3);
    expect(await output('scan', url)).toBe('user:2\tgrace\n');
    expect(await output('count', url)).toBe('1\n');
    expect(await output('verify', url)).toMatch(/^ok, /);
    await output('backup', url, `${folder}/copy`);
    expect(await output('get', `rocksdb:${folder}/copy`, 'user:2')).toBe('grace\n');
    expect((await server.get('user:2')).body).toContain('grace');
    await server.stop('SIGTERM');
    expect(existsSync(`${folder}/rocks/hitkv.lock`)).toBe(true);
    expect(await output('get', url, 'user:2')).toBe('grace\n');
  });

  test('writing commands name it and say what works instead', async () => {
    const server = await serve(url);
    await server.set('kept', 'value');
    for (const args of [
      ['set', url, 'kept', 'other'],
      ['delete', url, 'kept'],
      ['clear', url, '--all'],
      ['load', url, program, '--format', 'ndjson'],
      ['compact', url],
    ]) {
      const { code, err, out } = await hitkv(args);
      expect([args, code, out.toString()]).toEqual([args, 4, '']);
      expect(err).toContain(`process ${server.child.pid}`);
      expect(err).toContain(`http://127.0.0.1:${server.port}`);
      expect(err).toContain('HIT_LOCKED');
    }
    expect((await server.get('kept')).body).toContain('value');
  });
});
