// Puts names into a store in groups of 100, ten groups in flight, and says how many names are acknowledged.
import { readFileSync } from 'node:fs';
import { open } from 'hitkv';
import { say } from './say.mjs';

const [url, list] = process.argv.slice(2);
const names = readFileSync(list, 'utf8').split('\n').slice(0, -1);
const db = await open(url);
const groups = [];
let acknowledged = 0;
const settle = async () => {
  acknowledged += await groups.shift();
  say(acknowledged);
};
for (let start = 0; start < names.length; start += 100) {
  const group = names.slice(start, start + 100);
  groups.push(Promise.all(group.map((name) => db.set(name, `of ${name}`))).then(() => group.length));
  if (groups.length === 10) await settle();
}
while (groups.length > 0) await settle();
await db.close();
