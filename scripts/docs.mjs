#!/usr/bin/env node
// `npm run docs` writes docs/api.md from the types. With --check it writes nothing and names what is missing: a page that
// differs, an export without a description, a page that nobody finds, a link that leads nowhere.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesUnder } from './build/freshness.mjs';
import { exportedDeclarations } from './docs/declarations.mjs';
import { apiPage } from './docs/page.mjs';
import { brokenLinks, undescribed, unlinked } from './docs/problems.mjs';
import { root } from './root.mjs';

const API_PAGE = 'docs/api.md';
const read = (path) => {
  const file = join(root, path);
  if (!existsSync(file)) return undefined;
  return statSync(file).isDirectory() ? '' : readFileSync(file, 'utf8');
};

const checks = process.argv.includes('--check');
const declarations = exportedDeclarations();
const page = apiPage(declarations);
if (!checks) writeFileSync(join(root, API_PAGE), page);

const pages = filesUnder('docs', /\.md$/);
const problems = [
  ...(read(API_PAGE) === page ? [] : [`${API_PAGE} is not what the types say: npm run docs`]),
  ...undescribed(declarations),
  ...unlinked(pages, read('README.md')),
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pages].flatMap((name) =>
    brokenLinks(name, read(name), read),
  ),
];
for (const problem of problems) console.log(problem);
if (checks && problems.length > 0) process.exitCode = 1;
