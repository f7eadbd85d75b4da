import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const PACKAGE = 'all-the-package-names';

/** The longest key that hitkv takes, in bytes. */
const MAX_KEY_BYTES = 2048;

function readList(options) {
  if (options.made !== undefined) return { source: 'a generator, not real ones', list: made(options.made) };
  if (options.names) {
    const text = readFileSync(options.names, 'utf8');
    return {
      source: options.names,
      list: text.startsWith('[') ? JSON.parse(text) : text.replace(/\n$/, '').split('\n'),
    };
  }
  return { source: PACKAGE, list: createRequire(import.meta.url)(PACKAGE) };
}

/** Names in the shapes that package names have, in no order, the same in every process. */
function* shapes(count) {
  for (let number = 0; number < count; number++) {
    // Multiplying by an odd number permutes the numbers below 2^32, so no two names are equal.
    const word = (Math.imul(number, 0x9e3779b1) >>> 0).toString(36);
    if (number % 1009 === 0) yield `${'long-'.repeat(number % 40)}${word}`;
    else if (number % 503 === 0) yield `Old_Style.${word}`;
    else if (number % 499 === 0) yield `näme-${word}-名-😀`;
    else if (number % 3 === 0) yield `@${word.slice(-2)}/${word}`;
    else yield `pkg-${word}`;
  }
}

function made(count) {
  return [...shapes(count)];
}

/**
 * The list without what cannot be a key and without repetitions. `refused` is what the store has to refuse, with the
 * code that it has to give; `odd` counts what is out of the ordinary.
 */
export function readNames(options) {
  const { source, list } = readList(options);
  const odd = {
    repeated: 0,
    empty: 0,
    'too long': 0,
    'not well-formed': 0,
    'with upper case': 0,
    'beyond ASCII': 0,
  };
  const refused = [];
  const refuseName = (name, why, code) => {
    odd[why] += 1;
    refused.push({ name, code });
  };
  const unique = new Set();
  for (const name of list) {
    if (unique.has(name)) odd.repeated += 1;
    else if (name === '') refuseName(name, 'empty', 'HIT_KEY_INVALID');
    else if (Buffer.byteLength(name) > MAX_KEY_BYTES) refuseName(name, 'too long', 'HIT_KEY_INVALID');
    else if (!name.isWellFormed()) refuseName(name, 'not well-formed', 'HIT_KEY_INVALID');
    else {
      unique.add(name);
      if (/[A-Z]/.test(name)) odd['with upper case'] += 1;
      if (/[^\0-\x7f]/.test(name)) odd['beyond ASCII'] += 1;
    }
  }
  return { source, keys: [...unique], refused, odd };
}
