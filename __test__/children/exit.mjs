// Opens a store and ends in one of several ways.
import { open } from 'hitkv';
import { say } from './say.mjs';

const [url, way] = process.argv.slice(2);
let db = await open(url);

/** More than the log has written when the last one is answered. */
async function writeMuch() {
  const value = 'v'.repeat(100_000);
  for (let number = 0; number < 500; number += 1) {
    await db.set(`key${number}`, value, { durability: 'memory' });
  }
}

const ways = {
  async 'a memory write, then exit'() {
    await db.set('key', 'value', { durability: 'memory' });
    process.exit(0);
  },
  'a memory write and exit in one turn'() {
    for (let number = 0; number < 1000; number += 1)
      void db.set(`key${number}`, 'value', { durability: 'memory' });
    process.exit(0);
  },
  async 'memory writes, a close under way and exit'() {
    await writeMuch();
    void db.close();
    process.exit(0);
  },
  async 'memory writes of a collected store and exit'() {
    await writeMuch();
    db = undefined;
    for (let collections = 0; collections < 5; collections += 1) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.exit(0);
  },
  'a memory write in a listener of exit'() {
    process.on('exit', () => void db.set('key', 'value', { durability: 'memory' }));
    process.exit(0);
  },
  async 'an uncaught error'() {
    await db.set('acknowledged', 'value');
    void db.set('in flight', 'value', { durability: 'memory' });
    setImmediate(() => {
      throw new Error('on purpose');
    });
  },
  async 'an unhandled rejection'() {
    await db.set('acknowledged', 'value');
    void Promise.reject(new Error('on purpose'));
  },
  async 'nothing to do'() {
    await db.set('key', 'value');
    for await (const _ of db.keys()) break;
  },
  'an open scan'() {
    const scan = db.keys();
    db.setMany(Array.from({ length: 1000 }, (_, number) => [`key${number}`, 'value'])).then(() =>
      scan.next(),
    );
  },
  'a pending write'() {
    db.set('key', 'value').then(() => say('acknowledged'));
  },
  'a pending batch'() {
    db.batch([{ type: 'set', key: 'key', value: 'value' }]).then(() => say('acknowledged'));
  },
  'a pending flush'() {
    db.set('key', 'value', { durability: 'memory' }).then(() => db.flush().then(() => say('acknowledged')));
  },
  'a pending close'() {
    void db.set('key', 'value', { durability: 'memory' });
    db.close().then(() => say('acknowledged'));
  },
  async 'a close'() {
    await db.set('key', 'value');
    await db.close();
  },
};
await ways[way]();
