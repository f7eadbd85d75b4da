/**
 * The process that writes and may be killed. It reports on file descriptor 3, a line each: `s <group>` before a group
 * is sent, `a <group> <ms>` when all of its promises have resolved. A report is in the pipe when `writeSync` returns,
 * so it outlives the process.
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { boundsOf, expectedValue, groupsOf } from './groups.mjs';
import { readNames } from './names.mjs';

const IN_FLIGHT = 10;
const REPORTS = 3;

const { url, options, skip, stopAfter } = JSON.parse(process.argv[2]);
const { open } = await import(pathToFileURL(options.hitkv).href);
const { keys } = readNames(options);
const done = new Set(skip);
const groups = Array.from({ length: groupsOf(keys.length) }, (_, group) => group).filter(
  (group) => !done.has(group),
);
if (stopAfter !== undefined) groups.length = Math.min(groups.length, stopAfter);

const store = await open(url);
const start = performance.now();
let next = 0;

async function write() {
  while (next < groups.length) {
    const group = groups[next++];
    const { from, to } = boundsOf(group, keys.length);
    writeSync(REPORTS, `s ${group}\n`);
    const promises = [];
    for (let index = from; index < to; index++)
      promises.push(store.set(keys[index], expectedValue(keys, index)));
    await Promise.all(promises);
    writeSync(REPORTS, `a ${group} ${performance.now() - start}\n`);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, write));
// A writer that is to be killed must not be faster than the kill: it waits for it with its store open, or for the end
// of the parent, which closes its standard input.
if (stopAfter !== undefined) for await (const _ of process.stdin);
await store.close();
