import { boundsOf, expectedValue, groupsOf } from './groups.mjs';

/** A wrong result ends the run. */
function check(holds, message) {
  if (!holds) throw new Error(`wrong result: ${message}`);
}

/** After the kill: every acknowledged entry is there, and nothing that was not sent. */
export function checkAgainstReports(store, keys, { sent, acknowledged }) {
  const found = { acknowledged: 0, unanswered: 0 };
  for (let group = 0; group < groupsOf(keys.length); group++) {
    const { from, to } = boundsOf(group, keys.length);
    for (let index = from; index < to; index++) {
      const value = store.getSync(keys[index]);
      if (value === undefined) {
        check(!acknowledged.has(group), `${keys[index]} was acknowledged and is lost`);
        continue;
      }
      check(sent.has(group), `${keys[index]} is there and was never sent`);
      check(value === expectedValue(keys, index), `${keys[index]} has the value '${value}'`);
      found[acknowledged.has(group) ? 'acknowledged' : 'unanswered'] += 1;
    }
  }
  const entries = store.countSync();
  check(
    entries === found.acknowledged + found.unanswered,
    `${entries} entries, of which some are not in the list`,
  );
  return found;
}

/** At the end: every entry of the list, no other, and a scan in the order of the bytes of the keys. */
export function checkAgainstList(store, keys) {
  check(store.countSync() === keys.length, `${store.countSync()} entries instead of ${keys.length}`);
  keys.forEach((key, index) => {
    const value = store.getSync(key);
    check(value === expectedValue(keys, index), `${key} has the value '${value}'`);
  });

  const start = performance.now();
  let entries = 0;
  for (const [key, value] of store.entriesSync()) if (key !== '' && value !== '') entries += 1;
  const ms = performance.now() - start;
  check(entries === keys.length, `a scan saw ${entries} entries instead of ${keys.length}`);

  const indexes = new Map(keys.map((key, index) => [key, index]));
  const sorted = inByteOrder(keys);
  let at = 0;
  for (const [key, value] of store.entriesSync()) {
    check(key === sorted[at], `the scan has ${key} where ${sorted[at]} belongs`);
    check(value === expectedValue(keys, indexes.get(key)), `the scan has '${value}' under ${key}`);
    at += 1;
  }
  return { ms };
}

/** Strings sort by UTF-16 units, which is the order of UTF-8 bytes except where a surrogate meets a unit above it. */
function inByteOrder(keys) {
  if (!keys.some((key) => /[\ud800-\udfff]/.test(key))) return [...keys].sort();
  return keys
    .map((key) => Buffer.from(key))
    .sort(Buffer.compare)
    .map((bytes) => bytes.toString());
}

/** Names that cannot be keys are refused with their code, and the store goes on working. */
export async function checkRefusals(store, refused) {
  const before = store.countSync();
  for (const { name, code } of refused) {
    const error = await store.set(name, 'x').then(
      () => undefined,
      (reason) => reason,
    );
    check(
      error?.code === code,
      `'${name.slice(0, 40)}' gave ${error?.code ?? 'no error'} instead of ${code}`,
    );
  }
  check(store.countSync() === before, 'a refused name was written');
}
