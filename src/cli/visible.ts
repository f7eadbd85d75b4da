import { isUtf8 } from 'node:buffer';

/**
 * Stored bytes as a terminal may be shown them: what it would obey (control characters, above all the escape) and what
 * is no text stands as \xNN.
 */
export function visible(bytes: Uint8Array): string {
  const text = isUtf8(bytes)
    ? Buffer.from(bytes).toString()
    : Buffer.from(bytes)
        .toString('latin1')
        .replace(/[\x80-\xff]/g, escaped);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, escaped);
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
