import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { serve } from './http-client.js';
import { cannotMount, smallDisk } from './mounted.js';

const why = cannotMount();

describe.skipIf(why)(`HTTP on a full disk${why ? ` (skipped: ${why})` : ''}`, () => {
  test('a write that failed is never 201, reads and deletes go on', async () => {
    const disk = await smallDisk(8 * 1_048_576);
    writeFileSync(`${disk}/ballast`, Buffer.alloc(4 * 1_048_576));
    const server = await serve(`file:${disk}/store`);
    const value = 'v'.repeat(50_000);
    let set = 0;
    for (; set < 1000; set += 1) {
      const answer = await server.set(`key${set}`, value);
      if (answer.status !== 201) {
        expect(answer.status).toBe(507);
        expect(answer.headers['hitkv-code']).toBe('HIT_DISK_FULL');
        expect(answer.body).toContain('HIT_DISK_FULL');
        break;
      }
    }
    expect(set).toBeLessThan(1000);
    expect(JSON.parse((await server.get('key0')).body).value === value).toBe(true);
    expect(JSON.parse((await server.get(`key${set}`)).body).value).toBe('');
    expect((await server.delete('key0')).status).toBe(204);
    expect(JSON.parse((await server.get('key0')).body).value).toBe('');
    rmSync(`${disk}/ballast`);
    expect((await server.set('again', 'value')).status).toBe(201);
    expect(await server.stop('SIGTERM')).toBe(0);
  });
});
