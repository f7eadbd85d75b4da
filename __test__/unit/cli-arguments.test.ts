import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { HitError } from '../../index.js';
import { hitkv } from './command-line.js';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

test('without arguments it prints help', async () => {
  const { out, err, exitCode } = await hitkv([]);
  expect(out).toContain('Usage: hitkv');
  expect(out).toContain('serve');
  expect([err, exitCode]).toEqual(['', 0]);
});

test('help and version are answers, not failures', async () => {
  expect(await hitkv(['--help'])).toMatchObject({ exitCode: 0, err: '' });
  expect(await hitkv(['--version'])).toMatchObject({ exitCode: 0, out: `${version}\n` });
  const serve = await hitkv(['serve', '--help']);
  expect(serve).toMatchObject({ exitCode: 0, err: '', served: [] });
  expect(serve.out).toContain('--http <host:port|off>');
});

test('serve answers on this machine, on port 8080', async () => {
  expect(await hitkv(['serve', './data'])).toMatchObject({
    exitCode: 0,
    served: [['./data', '127.0.0.1:8080']],
  });
  expect(await hitkv(['serve', './data'], { env: { PORT: '' } })).toMatchObject({
    served: [['./data', '127.0.0.1:8080']],
  });
});

test('PORT changes the port and --http wins over it', async () => {
  expect((await hitkv(['serve', 'memory:'], { env: { PORT: '9000' } })).served).toEqual([
    ['memory:', '127.0.0.1:9000'],
  ]);
  for (const args of [
    ['serve', 'memory:', '--http', '0.0.0.0:9001'],
    ['serve', '--http=0.0.0.0:9001', 'memory:'],
  ]) {
    expect((await hitkv(args, { env: { PORT: 'nonsense' } })).served).toEqual([['memory:', '0.0.0.0:9001']]);
  }
  expect((await hitkv(['serve', 'memory:', '--http', '[::1]:0'])).served).toEqual([['memory:', '[::1]:0']]);
});

test.each([
  ['an unknown command', ['swerve'], 'swerve'],
  ['an unknown flag', ['--loud'], '--loud'],
  ['an unknown flag of a command', ['serve', './data', '--loud'], '--loud'],
  ['a missing store', ['serve'], 'url'],
  ['an argument too many', ['serve', './data', './more'], 'too many'],
  ['a flag without its value', ['serve', './data', '--http'], '--http'],
  ['an address without a port', ['serve', './data', '--http', 'localhost'], 'host:port'],
  ['an address without a host', ['serve', './data', '--http', ':80'], 'host:port'],
  ['a port that is none', ['serve', './data', '--http', 'localhost:65536'], 'host:port'],
  ['nothing to serve', ['serve', './data', '--http', 'off'], 'nothing to serve'],
])('%s is named, and the exit code is 2', async (_, args, named) => {
  const { err, out, exitCode, served } = await hitkv(args);
  expect(err).toMatch(/^hitkv: /);
  expect(err).toContain(named);
  expect(err).toContain('--help');
  expect([out, exitCode, served]).toEqual(['', 2, []]);
});

test.each(['http', '-1', '65536', '80.5', ' 80', '99999999999999999999'])(
  'a PORT of %j is refused',
  async (PORT) => {
    const { err, exitCode, served } = await hitkv(['serve', './data'], { env: { PORT } });
    expect(err).toContain(`PORT is '${PORT}'`);
    expect([exitCode, served]).toEqual([2, []]);
  },
);

const failing = (failure: unknown) => ({
  serve: async () => {
    throw failure;
  },
});

test.each([
  ['HIT_LOCKED', 4],
  ['HIT_CORRUPTION', 5],
  ['HIT_CONFIG', 1],
] as const)('%s is one line with its code, and the exit code is %i', async (code, expected) => {
  const failure = new HitError(code, 'what happened and what to do');
  const { err, exitCode } = await hitkv(['serve', './data'], failing(failure));
  expect([err, exitCode]).toEqual([`hitkv: what happened and what to do (${code})\n`, expected]);
});

test('a failure without a code shows where it comes from', async () => {
  const { err, exitCode } = await hitkv(['serve', './data'], failing(new Error('a bug')));
  expect(err).toMatch(/^hitkv: Error: a bug\n\s+at /);
  expect(exitCode).toBe(1);
});
