import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { open, type Store } from '../index.js';
import { failure } from './failure.js';
import { closing, temporaryFolder } from './place.js';

// The files of fixtures/text hold every engine to the same: what becomes of each stands beside it.
const fixtures = fileURLToPath(new URL('../fixtures/text/', import.meta.url));

interface Failed {
  code?: string;
  line?: number;
}

interface Expected {
  about: string;
  jsonValues?: boolean;
  loaded?: number;
  entries?: [Text, Text, number?][];
  failure?: Failed;
  skipping?: { loaded?: number; skipped?: number; entries: [Text, Text, number?][]; failure?: Failed };
  dumps?: Record<'ndjson' | 'csv', string>;
}

type Text = string | { base64: string };

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const suffix = '.expected.json';
const files = readdirSync(fixtures)
  .filter((name) => name.endsWith(suffix))
  .map((name): [string, Expected] => [name.slice(0, -suffix.length), json(join(fixtures, name))]);

/** A store that takes the file as the description says, and the bytes it holds then. */
async function place({ jsonValues }: { jsonValues?: boolean }) {
  const url = `file:${await temporaryFolder()}`;
  const db = jsonValues ? await open(url, { valueEncoding: 'json' }) : await open(url);
  closing<Store<unknown> | Store<string>>(db);
  const bytes = closing(await open(url, { valueEncoding: 'binary', keyEncoding: 'binary' }));
  return { db, bytes };
}

async function contents(bytes: Store<Uint8Array, Uint8Array>) {
  const found: [string, string, number?][] = [];
  for (const [key] of bytes.entriesSync()) {
    const entry = await bytes.getEntry(key);
    if (!entry) throw new Error('an entry was there and is not');
    const texts = [hex(key), hex(entry.value)] as const;
    found.push(entry.expiresAt === undefined ? [...texts] : [...texts, entry.expiresAt]);
  }
  return found;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: Text) =>
  hex(typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.base64, 'base64'));
const inOrder = (entries: [Text, Text, number?][]) =>
  entries
    .map(([key, value, ...expiry]) => [bytesOf(key), bytesOf(value), ...expiry])
    .sort(([left], [right]) => (String(left) < String(right) ? -1 : 1));

async function expectFailure(call: () => Promise<unknown>, name: string, { code, line }: Failed) {
  const error = await failure(call);
  expect(error.code).toMatch(/^HIT_/);
  if (code !== undefined) expect(error).toMatchObject({ code });
  if (line !== undefined) expect(error.message).toContain(`${name} line ${line}: `);
}

test('there are fixtures', () => {
  expect(files.length).toBeGreaterThan(20);
});

describe.each(files)('%s', (name, expected) => {
  const path = join(fixtures, name);

  test('is read as its description says', async () => {
    const { db, bytes } = await place(expected);
    if (expected.failure) await expectFailure(() => db.load(path), name, expected.failure);
    else expect(await db.load(path)).toEqual({ loaded: expected.loaded, skipped: 0 });
    if (expected.entries) expect(await contents(bytes)).toEqual(inOrder(expected.entries));
    for (const [format, file] of Object.entries(expected.dumps ?? {})) {
      const target = join(await temporaryFolder(), `dump.${format}`);
      await db.dump(target);
      expect(readFileSync(target, 'utf8')).toBe(readFileSync(join(fixtures, file), 'utf8'));
    }
  });

  test('is read on past what is bad as its description says', async () => {
    const { db, bytes } = await place(expected);
    const { skipping } = expected;
    const load = () => db.load(path, { skipBad: true });
    if (skipping?.failure) await expectFailure(load, name, skipping.failure);
    else {
      const { loaded = expected.loaded, skipped = 0 } = skipping ?? {};
      expect(await load()).toEqual({ loaded, skipped });
    }
    const entries = skipping?.entries ?? expected.entries;
    if (entries) expect(await contents(bytes)).toEqual(inOrder(entries));
  });
});

interface Bad {
  format: 'ndjson' | 'csv';
  line: string;
  code: string;
  jsonValues?: boolean;
}

const good = {
  ndjson: ['{"key":"good","value":"1"}', '{"key":"other","value":"1"}'],
  csv: ['key,value,expiresAt,key64,value64\ngood,1,,,', 'other,1,,,'],
} as const;

test.each(
  (json(join(fixtures, 'bad-lines.json')) as Bad[]).map((bad): [string, Bad] => [bad.line.slice(0, 60), bad]),
)('the bad line %s is named with its code, and can be skipped', async (_, bad) => {
  const [first, last] = good[bad.format];
  const path = join(await temporaryFolder(), `entries.${bad.format}`);
  await writeFile(path, `${first}\n${bad.line}\n${last}\n`);
  const { db, bytes } = await place(bad);
  const line = bad.format === 'csv' ? 3 : 2;
  await expectFailure(() => db.load(path), basename(path), { code: bad.code, line });
  expect(await bytes.count()).toBe(1);
  expect(await db.load(path, { skipBad: true })).toEqual({ loaded: 2, skipped: 1 });
  expect(await bytes.count()).toBe(2);
});
