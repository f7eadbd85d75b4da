import { checkAfterReopening } from './check.mjs';
import { smallEntries } from './entries.mjs';
import { inGroups, setEach } from './groups.mjs';

/** Every entry by a `set` of its own. */
export async function set(contender, job) {
  const { keys, values } = smallEntries(job.entries);
  const store = await contender.open(job.folder);
  const seconds = await inGroups(job.entries, setEach(store, keys, values));
  await checkAfterReopening(contender, store, job.folder, keys, values);
  return { set: job.entries / seconds };
}

/** Every group as one atomic batch. */
export async function batch(contender, job) {
  const { keys, values } = smallEntries(job.entries);
  const store = await contender.open(job.folder);
  const seconds = await inGroups(job.entries, (from, to) => store.batch(keys, values, from, to));
  await checkAfterReopening(contender, store, job.folder, keys, values);
  return { batch: job.entries / seconds };
}
