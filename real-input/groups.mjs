import { crc32 } from 'node:zlib';

/** Entries that are awaited together, and reported together. */
const GROUP = 1000;

/** How many groups a list makes. */
export const groupsOf = (entries) => Math.ceil(entries / GROUP);

/** The first index of a group and the first behind it. */
export function boundsOf(group, entries) {
  return { from: group * GROUP, to: Math.min((group + 1) * GROUP, entries) };
}

/** The value of a name: its place in the list and a checksum, so that no two keys may be taken for one another. */
export function expectedValue(keys, index) {
  return `${index} ${crc32(keys[index]).toString(16)}`;
}
