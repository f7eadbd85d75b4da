/** A wrong result fails the run: a store that is fast and wrong is not fast. */
export function check(holds, message) {
  if (!holds) throw new Error(`wrong result: ${message}`);
}

/** Compares every entry of an open store with what was written, by key and by count. */
export function checkAll(store, keys, values) {
  check(store.count() === keys.length, `${store.count()} entries instead of ${keys.length}`);
  for (let at = 0; at < keys.length; at++) {
    const value = store.getSync(keys[at]);
    check(
      value === values[at],
      `${keys[at]} reads ${JSON.stringify(value)} instead of ${JSON.stringify(values[at])}`,
    );
  }
}

/** Compares what was found under some keys with the values from `from` on. */
export function checkValues(keys, found, values, from) {
  check(found.length === keys.length, `${found.length} values for ${keys.length} keys`);
  for (const [at, value] of found.entries()) {
    check(value === values[from + at], `${keys[at]} reads ${JSON.stringify(value)}`);
  }
}

/** Closes a store and compares every entry after opening it again; a Map is compared as it is. */
export async function checkAfterReopening(contender, store, folder, keys, values) {
  if (contender.forgets) return checkAll(store, keys, values);
  await store.close();
  const reopened = await contender.open(folder);
  checkAll(reopened, keys, values);
  await reopened.close();
}
