#!/usr/bin/env node
/**
 * `npm run real-input`: a long list of real names goes into a store through the public API. The writing process
 * is killed with SIGKILL halfway; what it was told is on disk has to be there, and nothing that it never sent. The
 * rest is written, and every entry and the order of a scan are compared with the list.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildHitkv, installLocked } from '../scripts/prepare.mjs';
import { checkAgainstList, checkAgainstReports, checkRefusals } from './checks.mjs';
import { groupsOf } from './groups.mjs';
import { readNames } from './names.mjs';
import { readOptions, usage } from './options.mjs';
import { runWriter } from './writer-process.mjs';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const rate = (entries, ms) => `${whole.format((entries / ms) * 1000)} entries/s`;
const say = (text) => console.log(`real-input: ${text}`);

async function compare(options, url) {
  const { open } = await import(pathToFileURL(options.hitkv).href);
  const names = readNames(options);
  const { keys, refused, odd } = names;
  say(`${whole.format(keys.length)} names from ${names.source}`);
  say(
    `odd ones: ${Object.entries(odd)
      .map(([what, count]) => `${whole.format(count)} ${what}`)
      .join(', ')}`,
  );

  const reload = async () => {
    const start = performance.now();
    const store = await open(url);
    const ms = performance.now() - start;
    const entries = store.countSync();
    say(`opened ${whole.format(entries)} entries in ${whole.format(ms)} ms: ${rate(entries, ms)}`);
    return store;
  };

  const killed = await runWriter({
    url,
    options,
    count: keys.length,
    skip: [],
    killAfter: Math.ceil(groupsOf(keys.length) / 2),
  });
  say(
    `killed the writer when ${whole.format(killed.acknowledged.size)} of ${whole.format(groupsOf(keys.length))} groups were ` +
      `acknowledged and ${killed.sent.size - killed.acknowledged.size} were under way`,
  );
  let store = await reload();
  const survived = checkAgainstReports(store, keys, killed);
  await store.close();
  say(
    `all ${whole.format(survived.acknowledged)} acknowledged entries are there, ${survived.unanswered} unanswered ones too, no other`,
  );

  const finished = await runWriter({ url, options, count: keys.length, skip: [...killed.acknowledged] });
  say(
    `wrote ${whole.format(killed.entries + finished.entries)} entries, each on disk: ${rate(killed.entries + finished.entries, killed.ms + finished.ms)}`,
  );

  store = await reload();
  const scan = checkAgainstList(store, keys);
  say(`scanned all in byte order: ${rate(keys.length, scan.ms)}`);
  await checkRefusals(store, refused);
  await store.close();
  say(
    `every entry and the order of the scan are those of the list; ${refused.length} names were refused as they have to be`,
  );
}

/** Runs with a folder of its own, which is removed whatever happens. */
async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return process.stdout.write(usage);
  if (options.needsPackage) installLocked('real-input');
  if (options.builds) buildHitkv({ rocksdb: options.kind === 'rocksdb' });
  mkdirSync(options.dataFolder, { recursive: true });
  const folder = mkdtempSync(join(options.dataFolder, 'run-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.once(signal, () => {
      remove();
      process.exit(code);
    });
  }
  try {
    await compare(options, `${options.kind}:${join(folder, 'store')}`);
  } finally {
    remove();
  }
}

main().catch((error) => {
  console.error(`real-input: ${error.message}`);
  process.exitCode = error.exitCode ?? 1;
});
