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

/** Runs one job in a process of its own and returns its answer: `figures`, or why it is `unavailable`. */
function askChild(job) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('./child.mjs', import.meta.url), [JSON.stringify(job)], {
      execArgv: ['--expose-gc'],
    });
    let answer;
    child.on('message', (message) => {
      answer = message;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const what = `${job.phase} with ${job.contender}`;
      if (code !== 0) reject(new Error(`${what} failed (${signal ?? `exit code ${code}`})`));
      else if (!answer) reject(new Error(`${what} ended without a result`));
      else resolve(answer);
    });
  });
}

async function measureInChild(job) {
  const { figures: values, unavailable } = await askChild(job);
  if (unavailable) throw new Error(`${job.phase} with ${job.contender}: ${unavailable}`);
  return values;
}

/**
 * Takes all measurements. Returns `figures`, each with a summary for each contender that has it, and `leftOut`: which
 * contenders cannot run on this machine, and why.
 */
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
    const leftOut = await findUnavailable(options, folder);
    const present = options.contenders.filter((name) => !(name in leftOut));
    return { leftOut, figures: await repeat({ ...options, contenders: present }, folder) };
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    remove();
  }
}

/** Tries each contender once. One that cannot run here is told of at once, so that nobody takes its absence for nothing. */
async function findUnavailable(options, folder) {
  const leftOut = {};
  for (const contender of options.contenders) {
    const job = {
      phase: 'probe',
      contender,
      folder: join(folder, `${contender}-probe`),
      hitkv: options.hitkv,
    };
    const { unavailable } = await askChild(job);
    rmSync(job.folder, { recursive: true, force: true });
    if (!unavailable) continue;
    leftOut[contender] = unavailable;
    console.error(`bench: ${contender} is LEFT OUT: ${unavailable}`);
  }
  return leftOut;
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
      bulkEntries: options.bulkEntries,
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
