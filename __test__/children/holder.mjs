// Holds a store and does what it is told, a line at a time; ends when told, or when its standard input ends.
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { open } from 'hitkv';
import { say } from './say.mjs';

const [url] = process.argv.slice(2);
let db = await open(url);
await db.set('written by the holder', 'value');
say('open');

const commands = {
  async set(key, value) {
    await db.set(key, value);
    return 'set';
  },
  async get(key) {
    return `${await db.get(key)}`;
  },
  async close() {
    await db.close();
    return 'closed';
  },
  /** Leaves nothing that refers to the store, a scan in the middle included. */
  async drop() {
    const scan = db.keys();
    await scan.next();
    void db.set('dropped', 'value', { durability: 'memory' });
    db = undefined;
    return 'dropped';
  },
  async collect() {
    await turn();
    globalThis.gc();
    await turn();
    return 'collected';
  },
  async exit() {
    process.exit(0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = line.split(' ');
  say(await commands[command](...args));
}
process.exit(0);
