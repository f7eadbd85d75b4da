import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from './conformance.js';

await conformance('memory:', async () => ({ url: 'memory:', remove: async () => {} }), { reopens: false });

for (const { name, kind, options } of [
  { name: 'file:', kind: 'file:', options: {} },
  { name: 'rocksdb:', kind: 'rocksdb:', options: {} },
  { name: 'rocksdb: in lanes', kind: 'rocksdb:', options: { ioConcurrency: 4 } },
]) {
  await conformance(
    name,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'hitkv-conformance-'));
      return {
        url: `${kind}${join(folder, 'store')}`,
        options,
        remove: () => rm(folder, { recursive: true }),
      };
    },
    { reopens: true },
  );
}
