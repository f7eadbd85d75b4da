import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { open, type Progress, verify } from '../index.js';
import { failure } from './failure.js';
import { closing, kept, temporaryFolder } from './place.js';

describe.each(kept)('backup of a store in %s', (kind) => {
  test('a backup is a store of one moment, taken while writes go on', async () => {
    const folder = await temporaryFolder();
    const db = closing(
      await open(`${kind}${folder}/store`, kind === 'file:' ? { file: { segmentBytes: 65_536 } } : {}),
    );
    expect(db.supports.backup).toBe(true);
    for (let number = 0; number < 5_000; number += 1) void db.set(`key${number}`, 'v'.repeat(100));
    await db.set('expires', 'value', { expiresAt: Date.now() + 3_600_000 });
    void db.set('same turn', 'value');
    let going = true;
    const writes = (async () => {
      // Two keys that change together: whoever sees one moment sees them equal.
      for (let round = 0; going; round += 1) {
        await db.batch([
          { type: 'set', key: 'left', value: String(round) },
          { type: 'set', key: 'right', value: String(round) },
        ]);
      }
    })();
    await db.backup(`${folder}/backup`);
    going = false;
    await writes;
    expect(await verify(`${kind}${folder}/backup`)).toMatchObject({ ok: true });
    const copy = closing(await open(`${kind}${folder}/backup`));
    expect(await copy.count({ prefix: 'key' })).toBe(5_000);
    expect(await copy.get('same turn')).toBe('value');
    expect(await copy.get('left')).toBe(await copy.get('right'));
    expect((await copy.getEntry('expires'))?.expiresAt).toBe((await db.getEntry('expires'))?.expiresAt);
    // They are two stores from then on.
    await copy.set('own', 'value');
    await copy.compact();
    expect(await db.has('own')).toBe(false);
    await db.clear();
    await db.compact();
    expect(await copy.count({ prefix: 'key' })).toBe(5_000);
  });

  test('a folder that is there and empty will do, and a file URL', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/a backup`);
    const db = closing(await open(`${kind}${folder}/store`));
    await db.set('key', 'value');
    await db.backup(pathToFileURL(`${folder}/a backup`));
    expect(await closing(await open(`${kind}${folder}/a backup`)).get('key')).toBe('value');
  });

  test('a folder that is not empty is refused and left as it is', async () => {
    const folder = await temporaryFolder();
    await mkdir(`${folder}/full`);
    await writeFile(`${folder}/full/thesis.txt`, 'years of work');
    await writeFile(`${folder}/file`, 'a file');
    const db = closing(await open(`${kind}${folder}/store`));
    for (const name of ['full', 'file', 'store']) {
      const error = await failure(() => db.backup(`${folder}/${name}`));
      expect(error).toMatchObject({
        code: 'HIT_CONFIG',
        message: expect.stringContaining(`${folder}/${name}`),
      });
    }
    expect(await readdir(`${folder}/full`)).toEqual(['thesis.txt']);
  });

  test('progress is told', async () => {
    const folder = await temporaryFolder();
    const db = closing(await open(`${kind}${folder}/store`));
    await db.set('key', 'value');
    const told: Progress[] = [];
    await db.backup(`${folder}/whole`, { onProgress: (progress) => told.push(progress) });
    expect(told.at(-1)?.bytes).toBeGreaterThan(0);
  });
});
