import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { open } from '../../index.js';
import { entryJson } from '../../src/cli/entry-json.js';
import { visible } from '../../src/cli/visible.js';
import { temporaryFolder } from '../place.js';
import { hitkv } from './command-line.js';

const FAR = 4_102_444_800_000;
const BINARY = Uint8Array.of(0xff, 0x01);

let url: string;
beforeEach(async () => {
  url = join(await temporaryFolder(), 'store');
  const db = await open(url, { keyEncoding: 'binary', valueEncoding: 'binary' });
  await db.set('user:1', Buffer.from('ada'), { expiresAt: FAR });
  await db.set('user:2', Buffer.from('grace'));
  await db.set('zoë', Buffer.from('two\nlines'));
  await db.set(BINARY, BINARY);
  await db.close();
});

test('get prints the value and a newline', async () => {
  expect(await hitkv(['get', url, 'user:1'])).toMatchObject({ out: 'ada\n', err: '', exitCode: 0 });
  expect(await hitkv(['get', `file:${url}`, 'zoë'])).toMatchObject({ out: 'two\nlines\n' });
});

test('get --raw prints the bytes of the value and nothing else', async () => {
  const { bytes, exitCode } = await hitkv(['get', url, '--raw', '--key64', '/wE=']);
  expect([[...bytes], exitCode]).toEqual([[...BINARY], 0]);
});

test('get --json has the expiry, and base64 for what is not text', async () => {
  expect((await hitkv(['get', url, 'user:1', '--json'])).out).toBe(
    `{"key":"user:1","value":"ada","expiresAt":${FAR}}\n`,
  );
  expect((await hitkv(['get', url, '/wE=', '--key64', '--json'])).out).toBe(
    '{"key64":"/wE=","value64":"/wE="}\n',
  );
});

test('get of an absent key names it, prints no data and has an exit code of its own', async () => {
  const { out, err, exitCode } = await hitkv(['get', url, 'user:3']);
  expect([out, exitCode]).toEqual(['', 3]);
  expect(err).toMatch(/^hitkv: there is no key "user:3" in .+\n$/);
});

test('a key that begins with a dash stands behind --', async () => {
  expect(await hitkv(['get', url, '--', '-x'])).toMatchObject({ exitCode: 3 });
});

test.each([
  ['an empty key', ['get', ''], 'empty'],
  ['a key that is too long', ['get', 'x'.repeat(2_049)], '2049 bytes'],
  ['a key that is no base64', ['get', 'user:1', '--key64'], 'base64'],
  ['base64 without its padding', ['get', '/wE', '--key64'], 'base64'],
  ['a key that Node.js could not read', ['get', 'a\ufffd'], 'UTF-8'],
  ['--raw and --json', ['get', 'user:1', '--raw', '--json'], '--raw'],
  ['an empty bound', ['scan', '--gte', ''], 'empty'],
  ['two lower bounds', ['count', '--gt', 'a', '--gte', 'a'], '--gt'],
  ['two upper bounds', ['count', '--lte', 'a', '--lt', 'a'], '--lt'],
  ['a limit that is none', ['scan', '--limit', '-1'], 'positive integer'],
  ['keys and values', ['scan', '--keys', '--values'], '--values'],
])('%s is refused before the store is opened', async (_, [command, ...args], named) => {
  const { out, err, exitCode } = await hitkv([command as string, '/nowhere', ...args]);
  expect([out, exitCode]).toEqual(['', 2]);
  expect(err).toContain(named);
  expect(err).toContain('--help');
});

test.each(['get', 'scan', 'count', 'stats'])('%s makes no store of a misspelt path', async (command) => {
  const missing = `${url}-misspelt`;
  const { out, err, exitCode } = await hitkv([command, missing, ...(command === 'get' ? ['key'] : [])]);
  expect([out, exitCode]).toEqual(['', 1]);
  expect(err).toContain(missing);
  expect(err).toContain('(HIT_CONFIG)');
  expect(existsSync(missing)).toBe(false);
});

test.each(['get', 'scan', 'count', 'stats'])('%s has nothing to read in memory:', async (command) => {
  const { err, exitCode } = await hitkv([command, 'memory:', ...(command === 'get' ? ['key'] : [])]);
  expect(err).toContain('memory:');
  expect(exitCode).toBe(2);
});

test('scan prints key, tab and value in the order of the keys', async () => {
  const { bytes, exitCode } = await hitkv(['scan', url]);
  const binaryLine = Buffer.from([...BINARY, 0x09, ...BINARY, 0x0a]);
  const expected = Buffer.concat([Buffer.from('user:1\tada\nuser:2\tgrace\nzoë\ttwo\nlines\n'), binaryLine]);
  expect([bytes.equals(expected), exitCode]).toEqual([true, 0]);
});

test('scan takes a range, a direction, a limit, keys, values', async () => {
  const lines = async (...args: string[]) =>
    (await hitkv(['scan', url, ...args])).out.split('\n').slice(0, -1);
  expect(await lines('--prefix', 'user:', '--keys')).toEqual(['user:1', 'user:2']);
  expect(await lines('--prefix', 'user:', '--values', '--reverse')).toEqual(['grace', 'ada']);
  expect(await lines('--limit', '1')).toEqual(['user:1\tada']);
  expect(await lines('--limit', '0')).toEqual([]);
  expect(await lines('--gt', 'user:1', '--lt', 'v', '--keys')).toEqual(['user:2']);
  expect(await lines('--gte', 'user:1', '--lte', 'user:1', '--keys')).toEqual(['user:1']);
  expect(await lines('--key64', '--gte', '/w==', '--keys', '--json')).toEqual(['{"key64":"/wE="}']);
});

test('scan --json is a JSON object a line, with expiries', async () => {
  const parsed = async (...args: string[]) =>
    (await hitkv(['scan', url, '--json', ...args])).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  expect(await parsed()).toEqual([
    { key: 'user:1', value: 'ada', expiresAt: FAR },
    { key: 'user:2', value: 'grace' },
    { key: 'zoë', value: 'two\nlines' },
    { key64: '/wE=', value64: '/wE=' },
  ]);
  expect(await parsed('--limit', '2', '--reverse', '--values')).toEqual([
    { value64: '/wE=' },
    { value: 'two\nlines' },
  ]);
});

test('text that escapes would blow up is base64', () => {
  const control = new Uint8Array(1_048_576).fill(1);
  expect(entryJson({ value: control })).toMatch(/^\{"value64":"/);
  expect(entryJson({ value: control.subarray(1) })).toMatch(/^\{"value":"/);
  expect(entryJson({ value: new Uint8Array(1_048_576).fill(0x61) })).toMatch(/^\{"value":"/);
});

test('scan keeps nothing: it writes in pieces and waits for each', async () => {
  const db = await open(url);
  await db.setMany(Array.from({ length: 2_000 }, (_, at) => [`many:${at}`, 'x'.repeat(100)] as const));
  await db.close();
  let pieces = 0;
  let writing = 0;
  const out = async () => {
    expect(++writing).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    writing -= 1;
    pieces += 1;
  };
  for (const form of [[], ['--json'], ['--values']]) {
    pieces = 0;
    const { out: text } = await hitkv(['scan', url, '--prefix', 'many:', ...form], { out });
    expect(text.split('\n')).toHaveLength(2_001);
    expect(pieces).toBeGreaterThan(2);
  }
});

test('scan shows a terminal nothing that it would obey', async () => {
  const { out } = await hitkv(['scan', url, '--gte', 'z'], { terminal: { out: true } });
  expect(out).toBe('zoë\ttwo\\x0alines\n\\xff\\x01\t\\xff\\x01\n');
  expect(visible(Buffer.from('\u001b[2J\u009bplain'))).toBe('\\x1b[2J\\x9bplain');
});

test('count prints a number', async () => {
  expect(await hitkv(['count', url])).toMatchObject({ out: '4\n', err: '', exitCode: 0 });
  expect(await hitkv(['count', url, '--prefix', 'user:'])).toMatchObject({ out: '2\n' });
  expect(await hitkv(['count', url, '--json', '--gt', 'user:1'])).toMatchObject({ out: '{"count":3}\n' });
});

test('stats prints a figure a line, or one JSON object', async () => {
  const { out, exitCode } = await hitkv(['stats', url]);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^entries +4$/m);
  expect(out).toMatch(/^diskBytes +\d+$/m);
  expect(JSON.parse((await hitkv(['stats', url, '--json'])).out)).toMatchObject({ entries: 4, lanes: 1 });
});
