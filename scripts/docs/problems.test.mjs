import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenLinks, undescribed, unlinked } from './problems.mjs';

test('an export and a member without a description are named', () => {
  const declarations = [
    { name: 'open', description: 'Opens.', members: [] },
    { name: 'Range', description: '', members: [{ name: 'gt', description: '' }] },
  ];
  const problems = undescribed(declarations);
  assert.equal(problems.length, 2);
  assert.match(problems[0], /^Range is exported without/);
  assert.match(problems[1], /^Range\.gt has no description/);
});

test('a page that the README does not link to is named', () => {
  const readme = 'See [a](docs/a.md#top).\n```\n[b](docs/b.md)\n```\n';
  assert.deepEqual(unlinked(['docs/a.md'], readme), []);
  assert.equal(unlinked(['docs/a.md', 'docs/b.md'], readme).length, 1);
});

test('a link to a file or a heading that is not there is named', () => {
  const files = { 'docs/a.md': '# Space & time\n## `get`\n## `get`\n', 'src/x.ts': '' };
  const broken = (text) => brokenLinks('docs/page.md', `# Here\n${text}\n`, (path) => files[path]);
  assert.deepEqual(broken('[1](a.md) [2](a.md#space--time) [3](a.md#get-1) [4](#here) [5](../src/x.ts)'), []);
  assert.deepEqual(broken('[out](https://example.org/a#b)'), []);
  assert.equal(broken('[no](b.md)').length, 1);
  assert.equal(broken('[no](a.md#nowhere)').length, 1);
  assert.equal(broken('[no](#nowhere)').length, 1);
});
