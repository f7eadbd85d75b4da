import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const retryable = JSON.parse(read('fixtures/error-codes.json')) as Record<string, boolean>;
const sections = new Map(
  read('docs/errors.md')
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

test('every error code has its section in docs/errors.md, and no other has', () => {
  expect([...sections.keys()]).toEqual(Object.keys(retryable));
});

test.each(Object.entries(retryable))(
  'the section of %s tells cause, remedy and whether to retry (%s)',
  (code, again) => {
    const section = sections.get(code);
    expect(section).toMatch(again ? /^\*Retryable\.\* \w/m : /^\*Not retryable\.\* \w/m);
    expect(section).toMatch(/^\*\*Remedy:\*\* [\w`]/m);
  },
);
