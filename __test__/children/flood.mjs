// Writes without ever awaiting, and says by how many MiB the process has grown at most.
import { open } from 'hitkv';
import { say } from './say.mjs';

const [url] = process.argv.slice(2);
// What RocksDB caches has a bound of its own.
const own = url.startsWith('rocksdb:') ? { rocksdb: { memoryBytes: 8_388_608 } } : {};
const db = await open(url, { maxPendingBytes: 1_048_576, ...own });
const value = 'v'.repeat(4000);
const before = process.resourceUsage().maxRSS;
let last;
for (let number = 0; number < 30_000; number += 1) last = db.set(`key${number % 1000}`, `${number} ${value}`);
const read = db.getSync('key999');
say('grown', Math.round((process.resourceUsage().maxRSS - before) / 1024));
say('read', read.slice(0, 5));
await last;
say('pending', db.stats().pendingBytes);
await db.close();
