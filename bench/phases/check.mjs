/** A wrong result fails the run: a store that is fast and wrong is not fast. */
export function check(holds, message) {
  if (!holds) throw new Error(`wrong result: ${message}`);
}

/** Keys that are looked up together when everything is compared. */
const TOGETHER = 1000;

/** Compares every entry of an open store with what was written, by key and by count. */
export async function checkAll(store, keys, values) {
  const count = await store.count();
  check(count === keys.length, `${count} entries instead of ${keys.length}`);
  for (let from = 0; from < keys.length; from += TOGETHER) {
    const wanted = keys.slice(from, from + TOGETHER);
    checkValues(wanted, await store.getMany(wanted), values, from);
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
  await checkAll(reopened, keys, values);
  await reopened.close();
}
