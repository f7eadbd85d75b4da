import { rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { root } from '../root.mjs';
import { runCommand } from '../run/command.mjs';
import { filesUnder, freshness } from './freshness.mjs';

/** The JavaScript package in dist/, made from the TypeScript sources. */
export const dist = freshness('dist', {
  sources: () => [
    ...['index.ts', 'tsconfig.json', 'package.json', 'package-lock.json', 'src/native/native.d.ts'],
    ...filesUnder('src', /\.ts$/).filter((file) => file !== 'src/native/native.d.ts'),
  ],
  outputs: () => ['dist/index.js', 'dist/src/cli/main.js'],
});

/** Compiles the sources and removes what earlier builds left of sources that are gone. */
export function buildDist(options) {
  return dist.around(async () => {
    const result = await runCommand(process.execPath, [typescript, '--listEmittedFiles'], options);
    if (result.code !== 0) return result;
    const emitted = new Set(
      [...result.output.matchAll(/^TSFILE: (.+)$/gm)].map(([, file]) =>
        relative(root, file.trim()).split(sep).join('/'),
      ),
    );
    for (const file of filesUnder('dist', /./)) if (!emitted.has(file)) rmSync(join(root, file));
    return result;
  });
}

/** The compiler's program. */
export const typescript = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
