import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { closing, temporaryFolder } from './place.js';
import { programFolder } from './program-folder.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

/** What examples take for granted. */
const PREAMBLE = `
  import { HitError, open, type Store, verify } from 'hitkv';
  declare const db: Store<string>;
  declare const rows: [string, string][];
  declare const server: { close(): void };
  declare function report(error: unknown): void;
`;

/** The blocks of code of a document, each with the line it begins at. */
async function examples(document: string): Promise<{ line: number; code: string }[]> {
  const text = await readFile(join(root, document), 'utf8');
  return [...text.matchAll(/^```(?:js|ts)\n(.*?)^```/gms)].map(({ 1: code = '', index }) => ({
    line: text.slice(0, index).split('\n').length,
    code,
  }));
}

/** An example as a module; the signatures of the API page are no examples. */
function moduleOf(code: string): string | undefined {
  if (/^import /m.test(code)) return code;
  return /\b(?:await|db)\b/.test(code)
    ? `${PREAMBLE}\nexport async function example() {\n${code}\n}`
    : undefined;
}

test('every example in the documents is accepted by the compiler', async () => {
  const folder = await programFolder();
  const documents = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  const files: string[] = [];
  for (const document of ['README.md', ...documents.map((name) => `docs/${name}`)]) {
    for (const { line, code } of await examples(document)) {
      const text = moduleOf(code);
      if (text === undefined) continue;
      const file = `${document.replace(/\W/g, '-')}-line-${line}.ts`;
      await writeFile(join(folder, file), text);
      files.push(file);
    }
  }
  expect(files.length).toBeGreaterThan(10);
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022'];
  const libraries = ['--lib', 'es2023,esnext.disposable', '--types', 'node'];
  const types = ['--typeRoots', join(root, 'node_modules', '@types')];
  const complaints = await run(process.execPath, [compiler, ...options, ...libraries, ...types, ...files], {
    cwd: folder,
  }).then(
    () => [],
    (error: { stdout: string }) => error.stdout.trim().split('\n'),
  );
  expect(complaints).toEqual([]);
});

describe('every figure of stats() is explained, and no other', async () => {
  const text = await readFile(join(root, 'docs', 'operations.md'), 'utf8');
  const [, section = ''] = /^## What the figures of `stats\(\)` mean\n(.*?)^## /ms.exec(text) ?? [];
  const [all = [], tables = [], rocksdb = []] = section
    .split(/^### /m)
    .slice(1)
    .map((part) =>
      [...part.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) =>
        names.split(', ').map((name) => name.replaceAll('`', '')),
      ),
    );

  async function figuresOf(kind: string) {
    const db = closing(await open(`${kind}:${await temporaryFolder()}/store`));
    await db.set('key', 'value');
    return db.stats();
  }

  test('of stores in files', async () => {
    // These are there only after something went wrong.
    const figures = [...Object.keys(await figuresOf('file')), 'tornTail', 'lastError', 'compactionError'];
    expect([...all, ...tables].toSorted()).toEqual(figures.toSorted());
  });

  test('of stores in RocksDB', async () => {
    const { rocksdb: own, ...common } = await figuresOf('rocksdb');
    expect(all.toSorted()).toEqual([...Object.keys(common), 'lastError'].toSorted());
    expect(rocksdb.toSorted()).toEqual([...Object.keys(own as object), 'backgroundError'].toSorted());
  });
});
