import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { banner } from '../../src/cli/banner.js';

test('it names the address and where the data is', () => {
  const text = banner('file:/srv/data', '127.0.0.1:8080');
  expect(text).toContain('http://127.0.0.1:8080\n');
  expect(text).toContain(`data: ${resolve('/srv/data')}\n`);
  expect(banner('./data', '127.0.0.1:8080')).toContain(`data: ${resolve('data')}\n`);
  expect(banner('rocksdb:rocks', '127.0.0.1:8080')).toContain(`data: rocksdb:${resolve('rocks')}\n`);
  expect(banner('memory:', '127.0.0.1:8080')).toContain('in memory only');
});

test('its two lines work as they stand', () => {
  const lines = banner('memory:', '127.0.0.1:8080')
    .split('\n')
    .filter((line) => line.startsWith('  curl '));
  expect(lines).toEqual([
    `  curl -d '{"key":"hello","value":"world"}' http://127.0.0.1:8080/set`,
    `  curl 'http://127.0.0.1:8080/get?key=hello'`,
  ]);
});

test('an address that stands for all networks is tried on this machine', () => {
  expect(banner('memory:', '0.0.0.0:80')).toContain("curl 'http://127.0.0.1:80/get");
  expect(banner('memory:', '[::]:80')).toContain("curl 'http://[::1]:80/get");
  expect(banner('memory:', '10.0.0.0:80')).toContain("curl 'http://10.0.0.0:80/get");
});
