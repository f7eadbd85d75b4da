import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as hitkv from 'hitkv';
import { HitError, open } from 'hitkv';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  exports: Record<string, unknown>;
  files: string[];
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hitkv-package-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the package by its name', () => {
  test('exports what the API has, and nothing else', () => {
    expect(Object.keys(hitkv).sort()).toEqual(['HitError', 'open', 'verify']);
    expect(import.meta.resolve('hitkv')).toContain('/dist/index.js');
  });

  test('keeps what was written', async () => {
    const db = await open(folder);
    try {
      await db.set('user:1', 'ada');
      expect(db.getSync('user:1')).toBe('ada');
      await db.setMany({ 'user:2': 'grace', other: 'value' });
      const users: [string, string][] = [];
      for await (const entry of db.entries({ prefix: 'user:' })) users.push(entry);
      expect(users).toEqual([
        ['user:1', 'ada'],
        ['user:2', 'grace'],
      ]);
      expect(await db.increment('hits', 2)).toBe(2);
    } finally {
      await db.close();
    }
    const again = await open(`file:${folder}`);
    expect([...again.keysSync()]).toEqual(['hits', 'other', 'user:1', 'user:2']);
    await again.close();
  });

  test('fails with codes', async () => {
    const db = await open('memory:');
    await expect(db.set('', 'value')).rejects.toSatisfy(
      (error) => HitError.is(error) && error.code === 'HIT_KEY_INVALID',
    );
    await db.close();
    await expect(db.get('key')).rejects.toMatchObject({ code: 'HIT_NOT_OPEN' });
    await expect(open('nonsense://x')).rejects.toMatchObject({ code: 'HIT_CONFIG' });
  });

  test('is loaded by require as well', () => {
    const script = `const { open } = require('hitkv'); open('memory:').then(async (db) => { await db.set('a', 'b'); console.log(db.getSync('a')); await db.close(); });`;
    const said = execFileSync(process.execPath, ['--no-warnings', '--input-type=commonjs', '-e', script], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(said).toBe('b\n');
  });
});

describe('what is packed', () => {
  test('every exported, run and typed file is built and lies in what is packed', () => {
    const targets = [
      ...Object.values(manifest.exports).flatMap((target) =>
        typeof target === 'string' ? [target] : Object.values(target as Record<string, string>),
      ),
      ...Object.values(manifest.bin),
    ].map((target) => target.replace(/^\.\//, ''));
    for (const target of targets) {
      expect(existsSync(join(root, target)), target).toBe(true);
      expect(
        target === 'package.json' || manifest.files.some((prefix) => target.startsWith(prefix)),
        target,
      ).toBe(true);
    }
  });

  test('the command runs under Node by its first line', () => {
    const path = join(root, manifest.bin.hitkv as string);
    expect(readFileSync(path, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const said = execFileSync(process.execPath, [path, '--version'], { encoding: 'utf8' });
    expect(said.trim()).toContain(
      (createRequire(import.meta.url)('hitkv/package.json') as { version: string }).version,
    );
  });
});
