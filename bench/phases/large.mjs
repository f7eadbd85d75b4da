import { measure } from 'mitata';
import { check, checkAfterReopening } from './check.mjs';
import { largeValues, shuffled } from './entries.mjs';
import { inGroups, setEach } from './groups.mjs';

/** Values of 1 KiB: setting them like small ones, reading them in random order. */
export async function large(contender, job) {
  const values = largeValues(job.largeEntries);
  const keys = values.map((_, number) => `key${number}`);
  const store = await contender.open(job.folder);
  const seconds = await inGroups(keys.length, setEach(store, keys, values));

  const wanted = Array.from(shuffled(keys.length), (number) => `key${number}`);
  let at = 0;
  const stats = await measure(
    () => {
      check(store.getSync(wanted[at]).length === 1024, `${wanted[at]} is not 1 KiB`);
      at = at + 1 === wanted.length ? 0 : at + 1;
    },
    { min_cpu_time: job.sampleMs * 1e6 },
  );
  await checkAfterReopening(contender, store, job.folder, keys, values);
  return { largeSet: keys.length / seconds, largeGetSync: 1e9 / stats.avg };
}
