import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { shown, stepsOf } from './first-minutes.js';
import { serve } from './http-client.js';
import { temporaryFolder } from './place.js';
import { programFolder } from './program-folder.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** What a reader of the README does, in this order. */
const FIVE_MINUTES = [
  ...['start', 'commands', 'stop', 'start', 'commands'],
  ...['stop', 'file', 'commands', 'start', 'commands'],
];

/** The first block of code in that language under "In a program", and the block of text behind it: what it prints. */
async function example(language: string): Promise<{ code: string; prints: string }> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const pattern = new RegExp(
    `^## In a program\\n.*?\`\`\`${language}\\n(.*?)\`\`\`\\s+\`\`\`text\\n(.*?)\`\`\``,
    'ms',
  );
  const [, code, prints] = pattern.exec(readme) ?? [];
  if (!code || !prints) throw new Error(`README.md has no ${language} example followed by what it prints`);
  return { code, prints };
}

async function printed(script: string, cwd: string): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [script], { cwd });
  expect(stderr).toBe('');
  return stdout;
}

test('the example of the README runs unchanged and prints what the README says', async () => {
  const { code, prints } = await example('js');
  const folder = await programFolder();
  await writeFile(join(folder, 'example.mjs'), code);
  expect(await printed('example.mjs', folder)).toBe(prints);
});

test('the example with await using compiles for any Node and prints what the README says', async () => {
  const { code, prints } = await example('ts');
  const folder = await programFolder();
  await writeFile(join(folder, 'example.ts'), code);
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
  const target = [
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
  ];
  await run(process.execPath, [compiler, ...target, ...types, 'example.ts'], { cwd: folder }).catch(
    (error) => {
      throw new Error(`the example does not compile: ${error.stdout}`);
    },
  );
  expect(await printed('example.js', folder)).toBe(prints);
});

/** Names that a shell finds: `npx hitkv` is the command line as built. */
async function commandsFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const main = join(root, 'dist', 'src', 'cli', 'main.js');
  const npx = `#!/bin/sh\nshift\nexec '${process.execPath}' '${main}' "$@"\n`;
  const node = `#!/bin/sh\nexec '${process.execPath}' "$@"\n`;
  await writeFile(join(folder, 'npx'), npx, { mode: 0o755 });
  await writeFile(join(folder, 'node'), node, { mode: 0o755 });
  return folder;
}

test('the first five minutes go as the README says, step by step', async () => {
  const steps = await stepsOf(new URL('../README.md', import.meta.url));
  expect(steps.map(({ does }) => does)).toEqual(FIVE_MINUTES);
  const cwd = await programFolder();
  const PATH = `${await commandsFolder()}:${process.env.PATH}`;
  const store = join(cwd, 'data');
  let server = await serve(store);
  for (const [at, step] of steps.entries()) {
    if (step.does === 'start' && at > 0) server = await serve(store);
    if (step.does === 'stop') expect(await server.stop('SIGINT')).toBe(0);
    if (step.does === 'file') await writeFile(join(cwd, step.name), step.text);
    if (step.does !== 'commands') continue;
    const at8080 = (text: string) => text.replaceAll(`:${server.port}`, ':8080');
    const commands = step.text.replaceAll(':8080', `:${server.port}`).replaceAll('curl ', 'curl -sS ');
    // Both outputs, as a terminal shows them; a command that fails is one of the things to see.
    const { stdout } = await run('sh', ['-c', `exec 2>&1\n${commands}\ntrue`], {
      cwd,
      env: { ...process.env, PATH },
    });
    expect(at8080(stdout.trim())).toMatch(shown(step.prints));
  }
});
