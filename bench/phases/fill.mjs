import { checkAfterReopening } from './check.mjs';
import { smallEntries } from './entries.mjs';
import { inGroups } from './groups.mjs';

/** Fills the store that reads are measured on. Not measured itself. */
export async function fill(contender, job) {
  const { keys, values } = smallEntries(job.entries);
  const store = await contender.open(job.folder);
  await inGroups(job.entries, (from, to) => store.batch(keys, values, from, to));
  await checkAfterReopening(contender, store, job.folder, keys, values);
  return {};
}
