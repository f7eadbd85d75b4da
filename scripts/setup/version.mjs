/** The first `1.2` or `1.2.3` in a text as numbers, or undefined. A distribution's suffix is left out. */
export function parseVersion(text) {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text ?? '');
  return found ? [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)] : undefined;
}

/** Negative, zero or positive: how two texts with a version in them compare. */
export function compareVersions(left, right) {
  const [a, b] = [parseVersion(left), parseVersion(right)];
  if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0);
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Whether `have` holds a version and it is not older than `need`. */
export function meets(have, need) {
  return parseVersion(have) !== undefined && compareVersions(have, need) >= 0;
}
