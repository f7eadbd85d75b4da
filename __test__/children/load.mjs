// Loads a file and says how far it has come.
import { open } from 'hitkv';
import { say } from './say.mjs';

const [url, path] = process.argv.slice(2);
const db = await open(url);
await db.load(path, { onProgress: ({ done }) => say('done', done) });
say('loaded');
await db.close();
