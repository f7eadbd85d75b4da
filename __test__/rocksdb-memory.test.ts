import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { start, succeeded } from './child.js';
import { temporaryFolder } from './place.js';

const mebibyte = 1_048_576;
const LIMIT_MIB = 192;
const DATA_MIB = 4 * LIMIT_MIB;

interface ControlGroup {
  folder: string;
  limit: string;
}

/** Where a group below this process's own can be made, and the name of its limit; why not where it cannot. */
function ownGroup(): ControlGroup | string {
  if (process.platform !== 'linux') return `${process.platform} has no control groups`;
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  const path = (controller: string) =>
    lines.map((line) => line.split(':')).find(([, names]) => names?.split(',').includes(controller))?.[2];
  const version1 = path('memory');
  const group =
    version1 === undefined
      ? { folder: `/sys/fs/cgroup${path('') ?? ''}`, limit: 'memory.max' }
      : { folder: `/sys/fs/cgroup/memory${version1}`, limit: 'memory.limit_in_bytes' };
  // A container may not see the group by the name that the machine knows.
  if (!existsSync(group.folder))
    group.folder = version1 === undefined ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
  const probe = `${group.folder}/hitkv-probe-${process.pid}`;
  try {
    mkdirSync(probe);
    try {
      writeFileSync(`${probe}/${group.limit}`, String(LIMIT_MIB * mebibyte));
    } finally {
      rmdirSync(probe);
    }
    return group;
  } catch (error) {
    return `no control group can be made: ${(error as Error).message}`;
  }
}

const group = ownGroup();
if (typeof group === 'string')
  process.stderr.write(`not tested here: RocksDB in a control group with little memory; ${group}\n`);

/** Runs the child and returns the most memory that it had. */
async function most(args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const child = start('memory-limit.mjs', args, { env });
  const said: string[] = [];
  for await (const line of child.lines) said.push(line);
  expect(await child.exit).toEqual(succeeded);
  const entries = (Number(args[1]) * mebibyte) / 4096;
  expect(said.slice(0, 3)).toEqual([`written ${entries}`, 'read wrong 0', `scanned ${entries} wrong 0`]);
  return Number(said[3]?.split(' ')[1]);
}

// One of both, so that it never counts as not run.
if (typeof group === 'string') {
  // As if there were one: with the memory that is the default in it, and the bound that it gives the allocator.
  test('four times the data of little memory are written, read and scanned within it', async () => {
    const memoryBytes = String((LIMIT_MIB * mebibyte) / 4);
    const args = [`rocksdb:${await temporaryFolder()}/store`, String(DATA_MIB), memoryBytes];
    expect(await most(args, { MALLOC_ARENA_MAX: '2' })).toBeLessThan(LIMIT_MIB * mebibyte);
  });
} else {
  const { folder, limit } = group;
  test("four times the data of a control group's memory are written, read and scanned within it", async () => {
    const own = `${folder}/hitkv-test-${process.pid}`;
    mkdirSync(own);
    // Registered first, so it runs behind the end of the child.
    onTestFinished(() => rmdirSync(own));
    writeFileSync(`${own}/${limit}`, String(LIMIT_MIB * mebibyte));
    const args = [`rocksdb:${await temporaryFolder()}/store`, String(DATA_MIB), '', `${own}/cgroup.procs`];
    // The kernel ends what needs more.
    expect(await most(args)).toBeLessThan(LIMIT_MIB * mebibyte);
  });
}
