import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HitError } from '../../index.js';
import { bytesText, ProgressLine } from '../../src/cli/progress-line.js';
import type { Progress } from '../../src/types.js';
import { temporaryFolder } from '../place.js';
import { hitkv, type World } from './command-line.js';

interface Call {
  method: string;
  args: unknown[];
}

/** A store that notes what it is asked for and answers `result`. */
function noting(result: unknown, work: (options: { signal: AbortSignal } | undefined) => unknown = () => {}) {
  const opened: object[] = [];
  const calls: Call[] = [];
  const method =
    (name: string) =>
    async (...args: unknown[]) => {
      calls.push({ method: name, args });
      await work(args.at(-1) as { signal: AbortSignal } | undefined);
      return result;
    };
  const store = Object.fromEntries(
    ['load', 'dump', 'compact', 'backup', 'close'].map((name) => [name, method(name)]),
  );
  const open: World['open'] = async (_, options) => {
    opened.push(options);
    return store as never;
  };
  return { open, opened, calls };
}

/** A source to load, which the noting store does not look at. */
async function source(name: string): Promise<string> {
  const file = join(await temporaryFolder(), name);
  await writeFile(file, 'x'.repeat(100));
  return file;
}

const anySignal = { signal: expect.any(AbortSignal) };

test('load reads a file in, with its lock, in a new store where there is none', async () => {
  const { open, opened, calls } = noting({ loaded: 1_000, skipped: 0 });
  const file = await source('a.ndjson');
  expect(await hitkv(['load', './data', file], { open })).toMatchObject({
    out: 'loaded 1000 entries\n',
    err: '',
    exitCode: 0,
  });
  expect(opened).toEqual([{ keyEncoding: 'binary', valueEncoding: 'binary', createIfMissing: true }]);
  expect(calls).toEqual([
    { method: 'load', args: [file, { skipBad: false, ...anySignal }] },
    { method: 'close', args: [] },
  ]);
});

test('load hands its flags on and says what it left out', async () => {
  const { open, calls } = noting({ loaded: 5, skipped: 2 });
  const folder = await temporaryFolder();
  const args = ['load', './data', folder, '--format', 'go-hit', '--skip-bad'];
  expect((await hitkv(args, { open })).out).toBe('loaded 5 entries, left 2 bad out\n');
  expect((await hitkv([...args, '--json'], { open })).out).toBe('{"loaded":5,"skipped":2}\n');
  expect(calls[0]?.args).toEqual([folder, { format: 'go-hit', skipBad: true, ...anySignal }]);
});

test('load - reads standard input', async () => {
  const { open } = noting(undefined);
  const asked: unknown[] = [];
  const loadInput: World['loadInput'] = async (_, options) => {
    asked.push(options);
    return { loaded: 1, skipped: 0 };
  };
  const said = await hitkv(['load', './data', '-', '--format', 'csv'], { open, loadInput });
  expect(said).toMatchObject({ out: 'loaded 1 entry\n', exitCode: 0 });
  expect(asked).toEqual([{ format: 'csv', skipBad: false }]);
});

test('pipes and devices are left to the signals, since a wait there cannot be ended', async () => {
  const { open, calls } = noting({ loaded: 0, skipped: 0, dumped: 0 });
  const world = { open, terminal: { err: true } };
  for (const command of ['load', 'dump']) {
    const said = await hitkv([command, './data', '/dev/null', '--format', 'csv'], world);
    expect(said).toMatchObject({ exitCode: 0, err: '' });
  }
  expect(calls.filter(({ method }) => method !== 'close').map(({ args }) => args)).toEqual([
    ['/dev/null', { format: 'csv', skipBad: false }],
    ['/dev/null', { format: 'csv' }],
  ]);
});

test('dump writes a file, or standard output, read-only', async () => {
  const { open, opened, calls } = noting({ dumped: 7 });
  expect(await hitkv(['dump', './data', 'a.csv', '--prefix', 'a'], { open })).toMatchObject({
    out: 'dumped 7 entries\n',
    exitCode: 0,
  });
  expect((await hitkv(['dump', './data', 'a.csv', '--json'], { open })).out).toBe('{"dumped":7}\n');
  expect(opened[0]).toMatchObject({ readOnly: true, createIfMissing: false });
  expect(calls[0]?.args).toEqual(['a.csv', { prefix: Buffer.from('a'), ...anySignal }]);
  const asked: unknown[] = [];
  const dumpOutput: World['dumpOutput'] = async (_, options) => {
    asked.push(options);
    return { dumped: 7 };
  };
  for (const args of [[], ['-'], ['/dev/stdout', '--format', 'csv', '--gte', 'b']]) {
    expect(await hitkv(['dump', './data', ...args], { open, dumpOutput })).toMatchObject({
      out: '',
      err: '',
      exitCode: 0,
    });
  }
  expect(asked).toEqual([{}, {}, { format: 'csv', gte: Buffer.from('b') }]);
});

test('a dump whose reader goes away ends without a complaint', async () => {
  const { open } = noting(undefined);
  const dumpOutput = async () => {
    throw new HitError('HIT_IO', 'cannot write to the standard output: Broken pipe (os error 32)');
  };
  expect(await hitkv(['dump', './data'], { open, dumpOutput })).toMatchObject({ err: '', exitCode: 141 });
});

test('verify prints a line for each problem, and has an exit code of its own', async () => {
  const problem = { offset: 4_096, code: 'HIT_CORRUPTION', message: 'a frame is damaged' } as const;
  const report = {
    ok: false,
    bytes: 10_000,
    problems: [
      { ...problem, file: '/data/log/00000001.log' },
      { ...problem, file: '/data/log/00000002.log', offset: 0 },
      {
        ...problem,
        file: '/data/log/00000003.log',
        offset: 16,
        message: '/data/log/00000003.log is damaged at byte 16: no frame begins here',
      },
    ],
  };
  const damaged: World = { verify: async () => report };
  const said = await hitkv(['verify', '/data'], damaged);
  expect(said.exitCode).toBe(5);
  expect(said.out).toBe(
    '/data/log/00000001.log:4096: a frame is damaged (HIT_CORRUPTION)\n' +
      '/data/log/00000002.log:0: a frame is damaged (HIT_CORRUPTION)\n' +
      '/data/log/00000003.log:16: no frame begins here (HIT_CORRUPTION)\n',
  );
  expect(said.err).toMatch(/^hitkv: 3 problems in \/data: /);
  const json = await hitkv(['verify', '/data', '--json'], damaged);
  expect([JSON.parse(json.out), json.exitCode]).toEqual([report, 5]);
  const sound: World = { verify: async () => ({ ok: true, bytes: 3_145_728, problems: [] }) };
  expect(await hitkv(['verify', '/data'], sound)).toMatchObject({ out: 'ok, 3.0 MiB read\n', exitCode: 0 });
});

test('compact takes the lock, backup does not', async () => {
  const { open, opened, calls } = noting(undefined);
  expect(await hitkv(['compact', './data'], { open })).toMatchObject({ out: '', err: '', exitCode: 0 });
  expect(await hitkv(['backup', './data', './copy'], { open })).toMatchObject({
    out: '',
    err: '',
    exitCode: 0,
  });
  const bytes = { keyEncoding: 'binary', valueEncoding: 'binary', createIfMissing: false };
  expect(opened).toEqual([bytes, { ...bytes, readOnly: true }]);
  expect(calls.map(({ method }) => method)).toEqual(['compact', 'close', 'backup', 'close']);
  expect(calls[2]?.args).toEqual(['./copy', anySignal]);
});

test.each([
  ['standard input without a format', ['load', './data', '-'], '--format'],
  ['a source whose name tells no format', ['load', './data', '/dev/null'], '--format'],
  ['a target whose name tells no format', ['dump', './data', 'a.json'], '--format'],
  ['a format that is none', ['load', './data', 'a', '--format', 'xml'], 'go-hit'],
  ['a format that is only read', ['dump', './data', 'a', '--format', 'go-hit'], 'csv'],
  ['--json of a dump that is the output itself', ['dump', './data', '--json'], '--json'],
  ['a backup without a folder', ['backup', './data'], 'folder'],
  ['a load without a source', ['load', './data'], 'source'],
])('%s is refused before the store is opened', async (_, args, named) => {
  const { open, opened } = noting(undefined);
  const { err, out, exitCode } = await hitkv(args, { open });
  expect(err).toContain(named);
  expect([out, exitCode, opened]).toEqual(['', 2, []]);
});

test.each([
  ['load', ['a.ndjson']],
  ['compact', []],
])('%s says that the server has to be stopped', async (command, names) => {
  const args = await Promise.all(names.map(source));
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'OWNER'), '{"address":"http://127.0.0.1:80"}');
  const open = async () => {
    throw new HitError('HIT_LOCKED', 'it is held open by process 7');
  };
  const { err, exitCode } = await hitkv([command, folder, ...args], { open });
  expect(err).toContain('its server at http://127.0.0.1:80');
  expect(err).toContain('stop it');
  expect(exitCode).toBe(4);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends long work, and the exit code says so', async (name, exitCode) => {
  const { open, calls } = noting(undefined, async (options) => {
    if (options === undefined) return;
    const { signal } = options;
    process.emit(name, name);
    signal.throwIfAborted();
  });
  const before = process.listenerCount(name);
  const said = await hitkv(['backup', './data', './copy'], { open });
  expect(said).toMatchObject({ out: '', err: 'hitkv: backup was stopped\n', exitCode });
  expect(calls.at(-1)?.method).toBe('close');
  expect(process.listenerCount(name)).toBe(before);
});

test('a source that is not there makes no store', async () => {
  const { open, opened } = noting(undefined);
  const { err, exitCode } = await hitkv(['load', './data', './absent.ndjson'], { open });
  expect(err).toMatch(/^hitkv: \.\/absent\.ndjson cannot be read: ENOENT/);
  expect([exitCode, opened]).toEqual([1, []]);
});

const half: Progress = { done: 1_234_567, total: 2_469_134, bytes: 123 * 1_048_576 };

test('progress is shown on a terminal only, and taken away at the end', async () => {
  const work = (options?: object) => (options as { onProgress?(p: Progress): void })?.onProgress?.(half);
  const { open } = noting({ dumped: 7 }, work);
  const dump = ['dump', './data', 'a.csv'];
  expect((await hitkv(dump, { open })).err).toBe('');
  expect((await hitkv([...dump, '--quiet'], { open, terminal: { err: true } })).err).toBe('');
  const { err, out } = await hitkv(dump, { open, terminal: { err: true } });
  expect(err).toMatch(/^\rdump {2}\[#{10}\.{10}\] {2}50% {2}1,234,567 entries {2}123\.0 MiB {2}0:00\r +\r$/);
  expect(out).toBe('dumped 7 entries\n');
});

test('progress is written over itself', () => {
  let said = '';
  const write = (text: string) => {
    said += text;
  };
  const line = new ProgressLine(write, { what: 'load', unit: 'entries', totalBytes: 1_000 }, 80);
  line.show({ done: 1_000, bytes: 250 });
  const first = said;
  line.show({ done: 1, bytes: 900 });
  const second = said.slice(first.length);
  expect(first).toBe('\rload  [#####...............]  25%  1,000 entries  250 B  0:00');
  // Spaces cover what a longer line leaves.
  expect(second).toBe('\rload  [##################..]  90%  1 entries  900 B  0:00    ');
  line.end();
  expect(said.slice(first.length + second.length)).toMatch(/^\r +\r$/);
});

test('progress never wraps', () => {
  const said: string[] = [];
  const line = new ProgressLine((text) => said.push(text), { what: 'load', unit: 'entries' }, 12);
  line.show({ done: 1_000, bytes: 250 });
  expect(said).toEqual(['\rload  1,000']);
});

test('bytes are shown as people read them', () => {
  expect([0, 1_023, 1_024, 1_048_575, 5 * 1_024 ** 3, 9_000 * 1_024 ** 4].map(bytesText)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1024.0 KiB',
    '5.0 GiB',
    '9000.0 TiB',
  ]);
});
