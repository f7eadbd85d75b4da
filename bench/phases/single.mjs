import { measure } from 'mitata';
import { checkAfterReopening } from './check.mjs';

/** One `set` awaited after another: what a single careful writer waits for. */
export async function single(contender, job) {
  const store = await contender.open(job.folder);
  const keys = [];
  const values = [];
  const stats = await measure(
    () => {
      const number = keys.length;
      keys.push(`key${number}`);
      values.push(`value${number}`);
      return store.set(keys[number], values[number]);
    },
    { min_cpu_time: job.sampleMs * 1e6, min_samples: 100, max_samples: 20_000 },
  );
  await checkAfterReopening(contender, store, job.folder, keys, values);
  return { singleRate: 1e9 / stats.avg, singleP50: stats.p50 / 1000 };
}
