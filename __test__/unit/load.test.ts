import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MAX_LOAD_CHUNK_BYTES, MAX_LOAD_CHUNK_ENTRIES, MAX_LOAD_CHUNKS_IN_FLIGHT } from '../../src/limits.js';
import { type LoadEntry, loadEntries } from '../../src/load.js';
import { failure } from '../failure.js';

interface Chunk {
  entries: readonly LoadEntry[];
  resolve(): void;
  reject(error: unknown): void;
}

/** A sink that takes sizes for entries and answers a chunk when it is told to. */
function sink() {
  const chunks: Chunk[] = [];
  return {
    chunks,
    encode: (bytes: number): LoadEntry => ({ bytes }),
    write: (entries: readonly LoadEntry[]) =>
      new Promise<void>((resolve, reject) => {
        chunks.push({ entries, resolve, reject });
      }),
  };
}

/** A source that counts what it was asked for. */
function counted(bytes: number) {
  const source = {
    asked: 0,
    left: false,
    *[Symbol.iterator]() {
      try {
        for (;;) {
          source.asked += 1;
          yield bytes;
        }
      } finally {
        source.left = true;
      }
    },
  };
  return source;
}

/** Lets everything happen that waits for nothing but the event loop. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await turn();
}

test.each([
  ['small', 1, MAX_LOAD_CHUNK_ENTRIES],
  ['large', MAX_LOAD_CHUNK_BYTES / 2, 2],
])('%s entries are asked for only while few chunks wait for their answers', async (_, bytes, perChunk) => {
  const { chunks, ...to } = sink();
  const source = counted(bytes);
  const controller = new AbortController();
  const loading = failure(() => loadEntries(source, to, { signal: controller.signal }));
  await settle();
  expect(chunks.map(({ entries }) => entries.length)).toEqual(
    Array.from({ length: MAX_LOAD_CHUNKS_IN_FLIGHT }, () => perChunk),
  );
  expect(source.asked).toBe(MAX_LOAD_CHUNKS_IN_FLIGHT * perChunk);
  chunks[0]?.resolve();
  await settle();
  expect(source.asked).toBe((MAX_LOAD_CHUNKS_IN_FLIGHT + 1) * perChunk);
  controller.abort();
  for (const { resolve } of chunks) resolve();
  expect(await loading).toMatchObject({ code: 'HIT_ABORTED' });
  expect(source.left).toBe(true);
});

test('a write that fails ends it, once nothing of it is under way any more', async () => {
  const { chunks, ...to } = sink();
  const source = counted(1);
  const loading = failure(() => loadEntries(source, to, {}));
  let over = false;
  void loading.then(() => {
    over = true;
  });
  await settle();
  const error = new Error('no room');
  chunks[0]?.reject(error);
  await settle();
  expect(over).toBe(false);
  for (const { resolve } of chunks) resolve();
  expect(await loading).toBe(error);
  expect(chunks).toHaveLength(MAX_LOAD_CHUNKS_IN_FLIGHT);
  expect(source.left).toBe(true);
});

test('it resolves when all of it is answered', async () => {
  const { chunks, ...to } = sink();
  const loading = loadEntries([1, 2, 3], to, {});
  let over = false;
  void loading.then(() => {
    over = true;
  });
  await settle();
  expect(over).toBe(false);
  chunks[0]?.resolve();
  expect(await loading).toEqual({ loaded: 3, skipped: 0 });
});
