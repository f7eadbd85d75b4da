import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from './place.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/errors.md', 'docs/durability.md'];

/** The first block of code in that language, and the block of text behind it: what it prints. */
async function example(language: string): Promise<{ code: string; prints: string }> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const pattern = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\`\\s+\`\`\`text\\n(.*?)\`\`\``, 's');
  const [, code, prints] = pattern.exec(readme) ?? [];
  if (!code || !prints) throw new Error(`README.md has no ${language} example followed by what it prints`);
  return { code, prints };
}

/** A folder of a program that has hitkv, as built here, among its packages. */
async function programFolder(): Promise<string> {
  if (!existsSync(join(root, 'dist', 'index.js'))) {
    throw new Error('the examples run on the built package, and dist/ is not there: npm run build');
  }
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules', 'hitkv'), 'junction');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
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

test.each(documents)('the links of %s lead to files that exist', async (document) => {
  const text = await readFile(join(root, document), 'utf8');
  const targets = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? '');
  const missing = targets.filter((target) => !existsSync(resolve(root, dirname(document), target)));
  expect(missing).toEqual([]);
});
