/**
 * Below this many characters a loop over them is faster than a call out of JavaScript (measured on Node 20: 35 against
 * 101 ns for 10 characters, 132 against 157 for 30).
 */
const SHORT_CHARACTERS = 32;

/** Writes a well-formed string as UTF-8 and returns how many bytes that were. */
export function writeText(text: string, bytes: Buffer, offset: number): number {
  const length = text.length;
  if (length > SHORT_CHARACTERS) return bytes.write(text, offset, 'utf8');
  for (let index = 0; index < length; index++) {
    const character = text.charCodeAt(index);
    if (character > 0x7f) return bytes.write(text, offset, 'utf8');
    bytes[offset + index] = character;
  }
  return length;
}
