import { readFileSync, renameSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { open } from '../index.js';
import { failure } from './failure.js';
import { filesOf, folderImage, segmentsOf } from './folder-image.js';
import { closing, temporaryFolder } from './place.js';

const entries = Array.from(
  { length: 2000 },
  (_, number) => [`key${number}`, `${number} ${'v'.repeat(100)}`] as const,
);

/** A closed store of several segments. */
async function written(): Promise<string> {
  const folder = `${await temporaryFolder()}/store`;
  const db = await open(`file:${folder}`, { file: { segmentBytes: 65_536 } });
  for (let start = 0; start < entries.length; start += 100)
    await db.setMany(entries.slice(start, start + 100));
  await db.close();
  expect(segmentsOf(folder).length).toBeGreaterThan(3);
  return folder;
}

/** Holds that a damaged store is refused with that code, naming the file, again and again, and that nothing is changed. */
async function refused(folder: string, code: string, file: string): Promise<void> {
  const image = folderImage(folder);
  for (let tries = 0; tries < 2; tries += 1) {
    const error = await failure(() => open(`file:${folder}`));
    expect(error).toMatchObject({ name: 'HitError', code, message: expect.stringContaining(file) });
  }
  const after = folderImage(folder);
  // Who held the lock last may stand there; what is stored may not change.
  for (const name of Object.keys({ ...image, ...after })) {
    if (!/OWNER|hitkv\.lock/.test(name)) expect(after[name] === image[name], name).toBe(true);
  }
}

async function intact(folder: string): Promise<void> {
  const db = closing(await open(`file:${folder}`));
  expect(await db.count()).toBe(entries.length);
  expect(await db.getMany(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
}

describe('a damaged store is refused, untouched, and opens again when it is mended', () => {
  const segment = (folder: string, which: 'first' | 'middle' | 'last') => {
    const segments = segmentsOf(folder);
    return segments[
      which === 'first' ? 0 : which === 'middle' ? segments.length >> 1 : segments.length - 1
    ] as string;
  };

  test.each(['first', 'middle', 'last'] as const)(
    'a byte altered anywhere in the %s segment',
    async (which) => {
      const folder = await written();
      const path = segment(folder, which);
      const bytes = readFileSync(path);
      // Its header, its first frame, somewhere inside, near what was written last.
      const end = bytes.findLastIndex((byte) => byte !== 0);
      for (const offset of [0, 9, 70, end >> 1, end - 40]) {
        const damaged = Buffer.from(bytes);
        damaged[offset] = (damaged[offset] as number) ^ 0x10;
        writeFileSync(path, damaged);
        await refused(
          folder,
          offset === 0 || offset === 9
            ? expect.stringMatching(/^HIT_(CORRUPTION|CONFIG)$/)
            : 'HIT_CORRUPTION',
          basename(path),
        );
      }
      writeFileSync(path, bytes);
      await intact(folder);
    },
  );

  test.each(['first', 'middle', 'last'] as const)('a truncated %s segment', async (which) => {
    const folder = await written();
    const path = segment(folder, which);
    const bytes = readFileSync(path);
    const end = bytes.findLastIndex((byte) => byte !== 0);
    for (const length of [end - 20, end >> 1, 100, 7, 0]) {
      truncateSync(path, length);
      await refused(folder, 'HIT_CORRUPTION', basename(path));
      writeFileSync(path, bytes);
    }
    await intact(folder);
  });

  test.each(['first', 'middle', 'last'] as const)('a missing %s segment', async (which) => {
    const folder = await written();
    const path = segment(folder, which);
    renameSync(path, `${folder}-aside`);
    await refused(folder, 'HIT_CORRUPTION', basename(path));
    renameSync(`${folder}-aside`, path);
    rmSync(`${folder}-aside`, { force: true });
    await intact(folder);
  });

  test('two segments that changed places', async () => {
    const folder = await written();
    const [first, second] = segmentsOf(folder) as [string, string];
    const [firstBytes, secondBytes] = [readFileSync(first), readFileSync(second)];
    writeFileSync(first, secondBytes);
    writeFileSync(second, firstBytes);
    await refused(folder, 'HIT_CORRUPTION', basename(first));
    writeFileSync(first, firstBytes);
    writeFileSync(second, secondBytes);
    await intact(folder);
  });

  test('a segment of another store', async () => {
    const [folder, other] = [await written(), await written()];
    const path = segment(folder, 'middle');
    const bytes = readFileSync(path);
    writeFileSync(path, readFileSync(segment(other, 'middle')));
    await refused(folder, 'HIT_CORRUPTION', basename(path));
    writeFileSync(path, bytes);
    await intact(folder);
  });

  test('a missing or damaged manifest', async () => {
    const folder = await written();
    const path = filesOf(folder).find((file) => /manifest/i.test(file)) as string;
    const bytes = readFileSync(path);
    unlinkSync(path);
    await refused(folder, 'HIT_CORRUPTION', basename(path));
    for (const damaged of [
      Buffer.alloc(0),
      bytes.subarray(0, bytes.length >> 1),
      Buffer.alloc(bytes.length),
    ]) {
      writeFileSync(path, damaged);
      await refused(folder, 'HIT_CORRUPTION', basename(path));
    }
    writeFileSync(path, bytes);
    await intact(folder);
  });

  test('hitkv.json that is missing or not ours', async () => {
    const folder = await written();
    const path = `${folder}/hitkv.json`;
    const bytes = readFileSync(path);
    for (const damage of [
      () => unlinkSync(path),
      () => writeFileSync(path, ''),
      () => writeFileSync(path, '{"name":"thesis"}'),
    ]) {
      damage();
      const error = await failure(() => open(`file:${folder}`));
      expect(error.code).toMatch(/^HIT_(CONFIG|CORRUPTION)$/);
    }
    writeFileSync(path, bytes);
    await intact(folder);
  });

  test('a newer format', async () => {
    const folder = await written();
    const path = `${folder}/hitkv.json`;
    const bytes = readFileSync(path, 'utf8');
    const description = JSON.parse(bytes) as Record<string, unknown>;
    const [member, version] = Object.entries(description).find(
      ([name, value]) => /version|format/i.test(name) && typeof value === 'number',
    ) as [string, number];
    writeFileSync(path, JSON.stringify({ ...description, [member]: version + 1 }));
    const image = folderImage(folder);
    const error = await failure(() => open(`file:${folder}`));
    expect(error).toMatchObject({
      code: 'HIT_CONFIG',
      message: expect.stringContaining(String(version + 1)),
    });
    expect(folderImage(folder)).toEqual(image);
    writeFileSync(path, bytes);
    await intact(folder);
  });

  test('a store of another kind', async () => {
    const folder = await written();
    const path = `${folder}/hitkv.json`;
    const bytes = readFileSync(path, 'utf8');
    const description = JSON.parse(bytes) as Record<string, unknown>;
    const member = Object.keys(description).find((name) => description[name] === 'file') as string;
    writeFileSync(path, JSON.stringify({ ...description, [member]: 'rocksdb' }));
    expect(await failure(() => open(`file:${folder}`))).toMatchObject({
      code: 'HIT_CONFIG',
      message: expect.stringContaining('rocksdb'),
    });
    writeFileSync(path, bytes);
    await intact(folder);
  });
});

test('a copy of a closed store is a store', async () => {
  const folder = await written();
  await cp(folder, `${folder}-copy`, { recursive: true });
  await intact(`${folder}-copy`);
  rmSync(`${folder}-copy`, { recursive: true });
});

test('opening and closing without a write leaves the log as it is', async () => {
  const folder = await written();
  const sizes = () => segmentsOf(folder).map((path) => [basename(path), statSync(path).size]);
  const before = sizes();
  for (let round = 0; round < 5; round += 1)
    await intact(folder).then(async () => (await open(`file:${folder}`)).close());
  expect(sizes()).toEqual(before);
});
