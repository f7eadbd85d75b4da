import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hitkv } from './command-line.js';

const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

/** The text under each heading. */
const sections = new Map(
  text.split(/^## /m).map((section) => {
    const [heading = '', ...lines] = section.split('\n');
    return [heading, lines.join('\n')];
  }),
);

const flagsOf = (part: string) => [...new Set(part.match(/--[a-z][a-z0-9-]*/g))].sort();

test('docs/cli.md has each command with each of its flags, and no others', async () => {
  const { out } = await hitkv(['--help']);
  const commands = [...out.matchAll(/^ {2}([a-z]+) .*<url>/gm)].map(([, name]) => name as string);
  expect(commands).toHaveLength(13);
  for (const command of commands) {
    const help = (await hitkv([command, '--help'])).out;
    const [, options = ''] = /^Options:\n((?: .*\n)+)/m.exec(help) ?? [];
    const known = flagsOf(options).filter((flag) => flag !== '--help');
    expect([command, flagsOf(sections.get(command) ?? 'no such heading')]).toEqual([command, known]);
  }
});

test('docs/cli.md and hitkv --help have the same exit codes', async () => {
  const codes = (part: string) => [...new Set(part.match(/\b\d{1,3}\b/g))].map(Number).sort((a, b) => a - b);
  const first = (part: string, row: RegExp) => [...part.matchAll(row)].map(([, cell]) => cell).join(' ');
  const help = first((await hitkv(['--help'])).out.split('Exit codes:')[1] ?? '', /^ {2}([\d, ]+) {2}/gm);
  const page = first(sections.get('Exit codes') ?? '', /^\| ([\d, ]+) \|/gm);
  expect(codes(page)).toEqual([0, 1, 2, 3, 4, 5, 130, 141, 143]);
  expect(codes(help)).toEqual(codes(page));
});
