import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { contenders } from './contenders/index.mjs';
import { figures } from './names.mjs';
import { phases } from './phases/index.mjs';
import { summarise } from './statistics.mjs';

const TMPFS_MAGIC = 0x01021994;

/** Makes a folder of this run's own on a real disk. */
function makeDataFolder(parent) {
  mkdirSync(parent, { recursive: true });
  // Durability: in a tmpfs a sync costs nothing, so the figures would mean nothing.
  if (statfsSync(parent).type === TMPFS_MAGIC)
    throw new Error(`${parent} is a tmpfs: name a folder on a disk with --data`);
  return mkdtempSync(join(parent, 'run-'));
}

/** Runs one measurement in a process of its own and returns its figures. */
function measureInChild(job) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./child.mjs', import.meta.url), [JSON.stringify(job)], {
      execArgv: ['--expose-gc'],
    });
    let result;
    child.on('message', (message) => {
      result = message;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const what = `${job.phase} with ${job.contender}`;
      if (code !== 0) reject(new Error(`${what} failed (${signal ?? `exit code ${code}`})`));
      else if (!result) reject(new Error(`${what} ended without a result`));
      else resolve(result);
    });
  });
}

/** Takes all measurements. Returns, for each figure, a summary for each contender that has it. */
export async function measureAll(options) {
  const folder = makeDataFolder(options.dataFolder);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const interrupted = () => {
    remove();
    process.exit(130);
  };
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  try {
    return await repeat(options, folder);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    remove();
  }
}

async function repeat(options, folder) {
  const samples = new Map();
  const note = (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`);
  const job = (phase, contender) => {
    const fresh = phase !== 'fill' && !phases[phase].readsFilled;
    return {
      phase,
      contender,
      folder: join(folder, `${contender}-${fresh ? 'fresh' : 'filled'}`),
      entries: options.entries,
      largeEntries: options.largeEntries,
      sampleMs: options.sampleMs,
      overwriteSeconds: options.overwriteSeconds,
      sustainSeconds: options.sustainSeconds,
      segmentBytes: options.segmentBytes,
      hitkv: options.hitkv,
    };
  };
  const takesPart = (contender, phase) => contenders[contender].phases?.includes(phase) ?? true;

  if (options.phases.some((phase) => phases[phase].readsFilled)) {
    for (const contender of options.contenders.filter(
      (name) => contenders[name].keepsFiles && takesPart(name, 'fill'),
    )) {
      note(`filling a store of ${contender}`);
      await measureInChild(job('fill', contender));
    }
  }
  for (let repetition = 1; repetition <= options.repetitions; repetition++) {
    for (const phase of options.phases.filter((name) => repetition === 1 || !phases[name].once)) {
      for (const contender of options.contenders.filter((name) => takesPart(name, phase))) {
        note(`${repetition}/${options.repetitions} ${phase} ${contender}`);
        const work = job(phase, contender);
        for (const [figure, value] of Object.entries(await measureInChild(work))) {
          const key = `${figure} ${contender}`;
          samples.set(key, [...(samples.get(key) ?? []), value]);
        }
        if (!phases[phase].readsFilled) rmSync(work.folder, { recursive: true, force: true });
      }
    }
  }
  note('');

  return figures
    .filter(({ phase }) => options.phases.includes(phase))
    .map((figure) => ({
      ...figure,
      contenders: Object.fromEntries(
        options.contenders
          .filter((contender) => samples.has(`${figure.id} ${contender}`))
          .map((contender) => [contender, summarise(samples.get(`${figure.id} ${contender}`))]),
      ),
    }));
}
