import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { open, type Progress, verify } from '../index.js';
import { failure } from './failure.js';
import { folderImage } from './folder-image.js';
import { closing, temporaryFolder } from './place.js';

/** A store of some entries that is closed, and its largest file. */
async function closed(): Promise<{ folder: string; file: string }> {
  const folder = await temporaryFolder();
  const db = await open(folder);
  for (let number = 0; number < 1_000; number += 1) void db.set(`key${number}`, 'v'.repeat(500));
  await db.close();
  const [name] = (await readdir(`${folder}/log`)).filter((name) => /\.(log|run)$/.test(name)).sort();
  return { folder, file: `${folder}/log/${name}` };
}

/** Changes one byte in the middle of a file. */
async function damage(file: string): Promise<number> {
  const bytes = await readFile(file);
  const offset = Math.floor(bytes.length / 2);
  bytes[offset] = (bytes[offset] as number) ^ 0x5a;
  await writeFile(file, bytes);
  return offset;
}

describe('verify', () => {
  test('finds nothing in what is whole, open or closed, and changes nothing', async () => {
    const { folder } = await closed();
    const image = folderImage(folder);
    const report = await verify(folder);
    expect(report).toEqual({ ok: true, bytes: expect.any(Number), problems: [] });
    expect(report.bytes).toBeGreaterThan(500_000);
    expect(folderImage(folder)).toEqual(image);
    const db = closing(await open(folder));
    void db.set('just now', 'value');
    expect(await db.verify()).toMatchObject({ ok: true, problems: [] });
    // Beside the program that has it open.
    expect(await verify(folder)).toMatchObject({ ok: true, problems: [] });
    expect(await db.get('just now')).toBe('value');
  });

  test('names file, offset and what is affected in a store that does not open', async () => {
    const { folder, file } = await closed();
    const offset = await damage(file);
    expect(await failure(() => open(folder))).toMatchObject({ code: 'HIT_CORRUPTION' });
    const image = folderImage(folder);
    const { ok, problems } = await verify(folder);
    expect(ok).toBe(false);
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) {
      expect(problem).toEqual({
        file,
        offset: expect.any(Number),
        code: 'HIT_CORRUPTION',
        message: expect.stringMatching(/\w+ \w+/),
      });
    }
    expect(problems.some((problem) => problem.offset <= offset)).toBe(true);
    expect(folderImage(folder)).toEqual(image);
  });

  test('finds damage under an open store', async () => {
    const folder = await temporaryFolder();
    const db = closing(await open(folder, { file: { segmentBytes: 65_536 } }));
    for (let number = 0; number < 1_000; number += 1)
      await db.set(`key${number}`, 'v'.repeat(500), { durability: 'os' });
    const [sealed] = (await readdir(`${folder}/log`)).filter((name) => /\.(log|run)$/.test(name)).sort();
    await damage(`${folder}/log/${sealed}`);
    const { ok, problems } = await db.verify();
    expect(ok).toBe(false);
    expect(problems[0]?.file).toBe(`${folder}/log/${sealed}`);
  });

  test('is about the folder that is named, or HIT_CONFIG', async () => {
    const folder = await temporaryFolder();
    for (const path of [`${folder}/missing`, folder]) {
      expect(await failure(() => verify(path))).toMatchObject({
        code: 'HIT_CONFIG',
        message: expect.stringContaining(folder),
      });
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test('tells progress, and ends by what onProgress throws', async () => {
    const { folder } = await closed();
    const told: Progress[] = [];
    const { bytes } = await verify(folder, { onProgress: (progress) => told.push(progress) });
    expect(told.at(-1)?.bytes).toBe(bytes);
    const error = new Error('on purpose');
    const onProgress = () => {
      throw error;
    };
    expect(await failure(() => verify(folder, { onProgress }))).toBe(error);
  });
});
