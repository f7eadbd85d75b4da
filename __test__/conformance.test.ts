import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from './conformance.js';

await conformance('memory:', async () => ({ url: 'memory:', remove: async () => {} }), { reopens: false });

await conformance(
  'file:',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hitkv-conformance-'));
    return { url: `file:${join(folder, 'store')}`, remove: () => rm(folder, { recursive: true }) };
  },
  { reopens: true },
);
