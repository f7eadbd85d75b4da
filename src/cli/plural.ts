/** A number of entries in words. */
export function entries(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`;
}
