/** The bytes of base64 with its padding; undefined for anything else, which Node.js would read as something. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
