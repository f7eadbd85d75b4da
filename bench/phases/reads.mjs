import { measure } from 'mitata';
import { check, checkValues } from './check.mjs';
import { shuffled, smallEntries } from './entries.mjs';
import { GROUP, inGroups, setEach } from './groups.mjs';

/** Keys that one `getMany` asks for. */
const MANY = 100;

/**
 * Opens the filled store; what forgets is filled here. Each measurement then compares everything by the very reads that it
 * measures, before it does, so that every cache has seen all entries.
 */
async function openFilled(contender, job) {
  const store = await contender.open(job.folder);
  if (contender.forgets) {
    const { keys, values } = smallEntries(job.entries);
    await inGroups(keys.length, setEach(store, keys, values));
  }
  return store;
}

/**
 * The entries in the order in which they are read. The keys are strings of their own, not those that a Map was
 * filled with: a program has its keys from elsewhere too.
 */
function inRandomOrder(count) {
  const order = shuffled(count);
  return {
    keys: Array.from(order, (number) => `key${number}`),
    values: Array.from(order, (number) => `value${number}`),
  };
}

/** The options for mitata's sampling of a fast operation. */
const sampling = (job) => ({ min_cpu_time: job.sampleMs * 1e6 });

/** Operations a second from mitata's mean, which has the garbage collections in it. */
const rate = (stats, operations = 1) => (operations * 1e9) / stats.avg;

/** One key at a time, without a promise. */
export async function getSync(contender, job) {
  const store = await openFilled(contender, job);
  const { keys, values } = inRandomOrder(job.entries);
  for (const [number, key] of keys.entries()) {
    const value = store.getSync(key);
    check(value === values[number], `${key} reads ${JSON.stringify(value)}`);
  }
  let at = 0;
  let characters = 0;
  const stats = await measure(() => {
    // An absent value throws here; what each key reads was compared before.
    characters += store.getSync(keys[at]).length;
    at = at + 1 === keys.length ? 0 : at + 1;
  }, sampling(job));
  check(characters >= stats.ticks * 'value0'.length, 'values are too short');
  await store.close();
  return { getSync: rate(stats) };
}

/** A thousand promises at a time. */
export async function get(contender, job) {
  const store = await openFilled(contender, job);
  const { keys, values } = inRandomOrder(job.entries);
  for (let from = 0; from < keys.length; from += GROUP) {
    const wanted = keys.slice(from, from + GROUP);
    checkValues(wanted, await Promise.all(wanted.map((key) => store.get(key))), values, from);
  }
  let at = 0;
  const stats = await measure(async () => {
    const from = at;
    const to = Math.min(from + GROUP, keys.length);
    at = to === keys.length ? 0 : to;
    const promises = [];
    for (let key = from; key < to; key++) promises.push(store.get(keys[key]));
    const found = await Promise.all(promises);
    check(found[0] === values[from] && found.at(-1) === values[to - 1], `get of ${keys[from]} is wrong`);
  }, sampling(job));
  await store.close();
  return { get: rate(stats, Math.min(GROUP, job.entries)) };
}

/** A hundred keys a call, one call after another. */
export async function getMany(contender, job) {
  const store = await openFilled(contender, job);
  const { keys, values } = inRandomOrder(job.entries);
  const calls = [];
  for (let at = 0; at + MANY <= keys.length; at += MANY) calls.push(keys.slice(at, at + MANY));
  for (const [number, wanted] of calls.entries()) {
    checkValues(wanted, await store.getMany(wanted), values, number * MANY);
  }
  let call = 0;
  const stats = await measure(async () => {
    const found = await store.getMany(calls[call]);
    check(found[0] === values[call * MANY] && found.length === MANY, `getMany of ${calls[call][0]} is wrong`);
    call = call + 1 === calls.length ? 0 : call + 1;
  }, sampling(job));
  await store.close();
  return { getMany: rate(stats, MANY) };
}

/** Every entry, in byte order of the keys where the contender has an order. */
export async function scan(contender, job) {
  const { keys } = smallEntries(job.entries);
  const store = await openFilled(contender, job);
  // The keys are ASCII, so the order of strings is the order of their bytes.
  const sorted = contender.ordered ? [...keys].sort() : keys;
  let at = 0;
  await store.scan((key, value) => {
    check(key === sorted[at], `a scan has ${key} where ${sorted[at]} belongs`);
    check(value === `value${key.slice(3)}`, `a scan has ${value} under ${key}`);
    at += 1;
  });
  check(at === keys.length, `a scan ended after ${at} entries`);
  const stats = await measure(
    async () => {
      let entries = 0;
      let characters = 0;
      await store.scan((key, value) => {
        entries += 1;
        characters += key.length + value.length;
      });
      check(entries === keys.length && characters > entries, `a scan saw ${entries} entries`);
    },
    { ...sampling(job), min_samples: 3, warmup_samples: 0 },
  );
  await store.close();
  return { scan: rate(stats, job.entries) };
}
