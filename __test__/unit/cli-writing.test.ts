import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { HitError, open } from '../../index.js';
import { wholeInput } from '../../src/cli/whole-input.js';
import { temporaryFolder } from '../place.js';
import { hitkv } from './command-line.js';

let url: string;
beforeEach(async () => {
  url = join(await temporaryFolder(), 'store');
});

const done = { out: '', err: '', exitCode: 0 };

async function stored(): Promise<[string, string][]> {
  const db = await open(url, { createIfMissing: false });
  const entries = [...db.entriesSync()];
  await db.close();
  return entries;
}

describe('set', () => {
  test('puts a value under a key, in a new store where there is none', async () => {
    expect(await hitkv(['set', url, 'user:1', 'ada'])).toMatchObject(done);
    expect(await hitkv(['set', url, 'user:2', ''])).toMatchObject(done);
    expect(await stored()).toEqual([
      ['user:1', 'ada'],
      ['user:2', ''],
    ]);
  });

  test.each([
    ['no value', []],
    ['-', ['-']],
    ['--value-file -', ['--value-file', '-']],
  ])('%s is all of standard input, as it is', async (_, args) => {
    expect(await hitkv(['set', url, 'key', ...args], { input: 'two\nlines\n' })).toMatchObject(done);
    expect(await stored()).toEqual([['key', 'two\nlines\n']]);
  });

  test('says that it waits where standard input is a terminal', async () => {
    const said = await hitkv(['set', url, 'key'], { input: 'typed', terminal: { in: true } });
    expect(said).toMatchObject({ ...done, err: expect.stringContaining('Ctrl-D') });
    expect(await stored()).toEqual([['key', 'typed']]);
  });

  test('refuses input that is more than a value can hold, before all of it has come', async () => {
    const part = Buffer.alloc(64 * 1024 * 1024);
    let parts = 0;
    const input = async function* () {
      while (parts < 1_000) {
        parts += 1;
        yield part;
      }
    };
    await expect(wholeInput(input(), 'standard input')).rejects.toMatchObject({
      code: 'HIT_VALUE_TOO_LARGE',
    });
    expect(parts).toBe(3);
  });

  test('takes keys and values that are no text', async () => {
    const bytes = Uint8Array.of(0, 0xff);
    const file = `${url}-value`;
    await writeFile(file, bytes);
    expect(await hitkv(['set', url, '--key64', '/wE=', '--value-file', file])).toMatchObject(done);
    expect(await hitkv(['set', url, 'argument', 'AP8=', '--value64'])).toMatchObject(done);
    expect(await hitkv(['set', url, 'input', '--value64'], { input: 'AP8=\n' })).toMatchObject(done);
    const db = await open(url, { keyEncoding: 'binary', valueEncoding: 'binary' });
    for (const key of [Uint8Array.of(0xff, 1), 'argument', 'input']) {
      expect([...(db.getSync(key) ?? [])]).toEqual([...bytes]);
    }
    await db.close();
  });

  test('takes a number below zero as a value', async () => {
    expect(await hitkv(['set', url, 'key', '-5'])).toMatchObject(done);
    expect(await stored()).toEqual([['key', '-5']]);
  });

  test('--ttl and --expires-at say when it expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') });
    const expiries = new Map<string, number>();
    try {
      for (const [at, args] of [
        ['--ttl', '90s'],
        ['--ttl', '1.5h'],
        ['--ttl', '7d'],
        ['--ttl', '500ms'],
        ['--expires-at', '4102444800000'],
        ['--expires-at', '2100-01-01T01:00:00+01:00'],
      ].entries()) {
        const asked: unknown[] = [];
        const store = {
          set: async (...given: unknown[]) => void asked.push(given[2]),
          close: async () => {},
        };
        const said = await hitkv(['set', url, `key${at}`, 'value', ...args], {
          open: async () => store as never,
        });
        expect(said).toMatchObject(done);
        const { ttlMs, expiresAt } = asked[0] as { ttlMs?: number; expiresAt?: number };
        expiries.set(args.join(' '), expiresAt ?? (ttlMs as number));
      }
    } finally {
      vi.useRealTimers();
    }
    expect(Object.fromEntries(expiries)).toEqual({
      '--ttl 90s': 90_000,
      '--ttl 1.5h': 5_400_000,
      '--ttl 7d': 604_800_000,
      '--ttl 500ms': 500,
      '--expires-at 4102444800000': 4_102_444_800_000,
      '--expires-at 2100-01-01T01:00:00+01:00': 4_102_444_800_000,
    });
  });

  test.each([
    ['a duration without a unit', ['--ttl', '90'], '90s'],
    ['no duration', ['--ttl', '0s'], '90s'],
    ['a duration below zero', ['--ttl=-1s'], '90s'],
    ['a unit that is none', ['--ttl', '1w'], '7d'],
    ['a duration beyond all time', ['--ttl', '999999999999999d'], '90s'],
    ['a time that is over', ['--expires-at', '1700000000'], 'which is over'],
    ['a time without a zone', ['--expires-at', '2100-01-01T00:00:00'], 'zone'],
    ['a day that does not exist', ['--expires-at', '2100-02-30T00:00:00Z'], 'zone'],
    ['both expiries', ['--ttl', '1s', '--expires-at', '4102444800000'], '--expires-at'],
    ['two values', ['--value-file', '/dev/null'], 'twice'],
    ['a value that is no base64', ['--value64'], 'base64'],
  ])('refuses %s, and makes no store', async (_, args, named) => {
    const { out, err, exitCode } = await hitkv(['set', url, 'key', 'no base64', ...args]);
    expect([out, exitCode]).toEqual(['', 2]);
    expect(err).toContain(named);
    expect(existsSync(url)).toBe(false);
  });

  test('a value file that is not there is named, and makes no store', async () => {
    const { err, exitCode } = await hitkv(['set', url, 'key', '--value-file', `${url}-missing`]);
    expect(err).toContain(`${url}-missing`);
    expect(exitCode).toBe(1);
    expect(existsSync(url)).toBe(false);
  });
});

describe('delete', () => {
  test('takes keys away, an absent one too', async () => {
    await hitkv(['set', url, 'a', '1']);
    await hitkv(['set', url, 'b', '2']);
    await hitkv(['set', url, 'c', '3']);
    expect(await hitkv(['delete', url, 'a', 'absent', 'c'])).toMatchObject(done);
    expect(await stored()).toEqual([['b', '2']]);
  });

  test('takes none away where a key is wrong', async () => {
    await hitkv(['set', url, 'a', '1']);
    expect(await hitkv(['delete', url, 'a', ''])).toMatchObject({ exitCode: 2 });
    expect(await stored()).toEqual([['a', '1']]);
  });
});

describe('clear', () => {
  beforeEach(async () => {
    for (const key of ['a:1', 'a:2', 'b:1']) await hitkv(['set', url, key, 'value']);
  });

  const keys = async () => (await stored()).map(([key]) => key);

  test('takes the keys of a range away', async () => {
    expect(await hitkv(['clear', url, '--prefix', 'a:'])).toMatchObject(done);
    expect(await keys()).toEqual(['b:1']);
  });

  test('--all takes every key away', async () => {
    expect(await hitkv(['clear', url, '--all'])).toMatchObject({ ...done, asked: [] });
    expect(await keys()).toEqual([]);
  });

  test.each(['y', 'Y', 'yes', ' y '])('asked on a terminal, %j takes every key away', async (answer) => {
    const said = await hitkv(['clear', url], { terminal: { in: true, err: true }, answer });
    expect(said).toMatchObject(done);
    expect(said.asked).toEqual([`Take all 3 keys of ${url} away? [y/N] `]);
    expect(await keys()).toEqual([]);
  });

  test.each(['', 'n', 'no', 'yet', 'ja'])('asked on a terminal, %j takes nothing away', async (answer) => {
    const { err, exitCode } = await hitkv(['clear', url], { terminal: { in: true, err: true }, answer });
    expect([err, exitCode]).toEqual(['hitkv: nothing was taken away\n', 1]);
    expect(await keys()).toHaveLength(3);
  });

  test.each([
    ['without a terminal', [], { err: true }],
    ['without a terminal to ask on', [], { in: true }],
    ['with an empty prefix', ['--prefix', ''], { in: true, err: true }],
    ['with a range and --all', ['--prefix', 'a:', '--all'], {}],
  ])('%s it refuses to take everything away', async (_, args, terminal) => {
    const { err, exitCode, asked } = await hitkv(['clear', url, ...args], { terminal, answer: 'y' });
    expect(err).toContain('--all');
    expect([exitCode, asked]).toEqual([2, []]);
    expect(await keys()).toHaveLength(3);
  });
});

test.each([
  ['delete', ['key']],
  ['clear', ['--all']],
])('%s makes no store of a misspelt path', async (command, args) => {
  const { err, exitCode } = await hitkv([command, url, ...args]);
  expect(err).toContain('(HIT_CONFIG)');
  expect(exitCode).toBe(1);
  expect(existsSync(url)).toBe(false);
});

describe('where another process has the store', () => {
  const locked = async () => {
    throw new HitError('HIT_LOCKED', 'it is held open by process 7');
  };

  /** A folder whose owner serves at an address. */
  async function owned(address: unknown): Promise<string> {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'OWNER'), JSON.stringify({ pid: 7, address }));
    return folder;
  }

  test.each([
    ['set', ['key', 'value'], `curl -d '{"key":"key","value":"value"}' http://127.0.0.1:80/set`],
    ['set', ["it's", '"'], `curl -d '{"key":"it'\\''s","value":"\\""}' http://127.0.0.1:80/set`],
    ['set', ['key', 'value', '--ttl', '1s'], 'stop it'],
    ['set', ['/w==', 'value', '--key64'], 'stop it'],
    ['set', ['key', 'x'.repeat(5_000)], 'http://127.0.0.1:80/set with POST'],
    ['delete', ['a b', 'c&d'], `curl -X DELETE 'http://127.0.0.1:80/delete?key=c%26d'`],
    ['clear', ['--all'], 'stop it'],
  ])('%s %j says what to do', async (command, args, remedy) => {
    const folder = await owned('http://0.0.0.0:80');
    const { out, err, exitCode } = await hitkv([command, folder, ...args], { open: locked });
    expect(err).toMatch(/^hitkv: it is held open by process 7 \(HIT_LOCKED\)\n/);
    expect(err).toContain(remedy);
    expect([out, exitCode]).toEqual(['', 4]);
  });

  test.each([null, 'http://evil; rm -rf /', 7])('an address of %j is not shown', async (address) => {
    const { err, exitCode } = await hitkv(['set', await owned(address), 'key', 'value'], { open: locked });
    expect([err, exitCode]).toEqual(['hitkv: it is held open by process 7 (HIT_LOCKED)\n', 4]);
  });
});
