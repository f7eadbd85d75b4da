// Writes, has syncs fail from then on by making the file that a preloaded library looks for, and says what is answered.
import { writeFileSync } from 'node:fs';
import { open } from 'hitkv';
import { say } from './say.mjs';

const [url, trigger] = process.argv.slice(2);
const db = await open(url);
for (let number = 0; number < 100; number += 1)
  await db.set(`key${String(number).padStart(5, '0')}`, 'value');
say('acknowledged');
writeFileSync(trigger, '');

async function answer(name, call) {
  try {
    await call();
    say(name, 'answered');
  } catch (error) {
    say(name, error.code);
  }
}
await answer('set', () => db.set('rejected', 'rejected'));
await answer('get', () => db.get('key00000'));
await answer('set', () => db.set('later', 'rejected'));
await answer('flush', () => db.flush());
await db.close();
say('closed');
