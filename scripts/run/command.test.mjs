import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from './command.mjs';
import { serveArguments } from './serve-arguments.mjs';
import { tail } from './step.mjs';

const node = (source, options) => runCommand(process.execPath, ['-e', source], options);

test('a program’s code and all of its output come back', async () => {
  const { code, output, problem } = await node(
    'console.log("out"); console.error("err"); process.exitCode = 3',
  );
  assert.deepEqual({ code, output, problem }, { code: 3, output: 'out\nerr\n', problem: '' });
});

test('a program that does not end is ended, and says so', async () => {
  const { code, problem } = await node('setInterval(() => {}, 1000)', { timeoutMs: 200 });
  assert.notEqual(code, 0);
  assert.match(problem, /did not end within/);
});

test('a program that is not there is a failure and no exception', async () => {
  const { code, problem } = await runCommand('hitkv-no-such-program', []);
  assert.equal(code, 1);
  assert.match(problem, /could not be started/);
});

test('a program that a signal ended is a failure', async () => {
  const { code, problem } = await node('process.kill(process.pid, "SIGKILL")');
  assert.equal(code, 1);
  assert.match(problem, /SIGKILL/);
});

test('npm start serves ./data unless the first argument is a store', () => {
  assert.deepEqual(serveArguments([]), ['serve', './data']);
  assert.deepEqual(serveArguments(['--http', '127.0.0.1:9000']), [
    'serve',
    './data',
    '--http',
    '127.0.0.1:9000',
  ]);
  assert.deepEqual(serveArguments(['memory:', '--http', 'off']), ['serve', 'memory:', '--http', 'off']);
});

test('a long output is cut at its beginning', () => {
  assert.equal(tail('a\nb\n', 2), 'a\nb');
  assert.equal(tail('a\nb\nc\n', 1), '(2 lines before these)\nc');
});
