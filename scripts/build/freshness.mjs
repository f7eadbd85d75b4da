import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { root } from '../root.mjs';

// Beside the packages: gone with them, and nowhere near the sources.
const notes = join(root, 'node_modules', '.hitkv');

/**
 * Remembers what a result was built from. A result is fresh while the contents of its sources are the same, its outputs are
 * the files that were written then, and it has the features that are wanted, and `exactly` those if that is asked; times
 * alone would be wrong after a checkout.
 */
export function freshness(name, { sources, outputs }) {
  const file = join(notes, `${name}.json`);
  const state = () => ({ sources: hashOf(sources()), outputs: outputs().map(identityOf) });
  const note = () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return undefined;
    }
  };
  /** The features that the last build had. */
  const features = () => note()?.features ?? [];
  return {
    features,
    isFresh(wanted = [], { exactly = false } = {}) {
      try {
        const { features: built, ...noted } = note();
        const enough = wanted.every((each) => built.includes(each));
        const fits = exactly ? enough && built.length === wanted.length : enough;
        return fits && isDeepStrictEqual(noted, state());
      } catch {
        return false;
      }
    },
    /** Runs a build; its result is fresh only if no source changed while it ran. */
    async around(build, built = []) {
      const before = hashOf(sources());
      const result = await build();
      mkdirSync(notes, { recursive: true });
      if (result.code === 0 && hashOf(sources()) === before)
        writeFileSync(file, JSON.stringify({ ...state(), features: built }));
      return result;
    },
  };
}

/** Every file under a folder of the repository whose name fits, in order of name; none where the folder is absent. */
export function filesUnder(folder, fits) {
  let entries = [];
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {}
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesUnder(path, fits);
      return fits.test(entry.name) ? [path] : [];
    });
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const content = readFileSync(join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function identityOf(file) {
  const { size, mtimeMs } = statSync(join(root, file));
  return [file, size, mtimeMs];
}
