#!/usr/bin/env node
// Holds the rule of docs/design.md: dependencies point one way, and only one file imports the generated binding.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesUnder } from './build/freshness.mjs';
import { root } from './root.mjs';
import { bindingProblems, crateProblems } from './rules/dependencies.mjs';

const metadata = JSON.parse(
  execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1'], {
    cwd: root,
    maxBuffer: 1 << 28,
  }),
);
const sources = ['index.ts', ...filesUnder('src', /\.ts$/)];
const problems = [
  ...crateProblems(metadata.packages),
  ...bindingProblems(sources.map((file) => [file, readFileSync(join(root, file), 'utf8')])),
];
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
