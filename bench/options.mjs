import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contenderNames, phaseNames } from './names.mjs';

const here = dirname(fileURLToPath(import.meta.url));

export const usage = `npm run bench [-- options]

  --only <names>       only these, comma separated
                       measurements: ${phaseNames.join(' ')}
                       contenders:   ${contenderNames.join(' ')}
                       hitkv-rocksdb needs an addon with RocksDB: naming it builds one (10 to 15 minutes, once)
  --entries <n>        small entries (default 1000000; the targets hold for that many)
  --large <n>          entries of 1 KiB (default a tenth of --entries)
  --bulk <n>           entries of the phase bulk (default 10000000, which its target is for)
  --repetitions <n>    of every measurement (default 5)
  --overwrite <s>      seconds of each round of overwriting, with and without compaction (default 20)
  --sustain <s>        seconds of the one long run of overwriting (default 120)
  --quick              once, overwriting for 5 and 15 seconds, and a tenth in bulk
  --ci                 a small run that shows that everything works: 10000 entries, once, overwriting for a second
  --json <file>        write the results as JSON as well (- for the standard output)
  --check-targets      exit with 1 when a target is missed or not measured
  --data <folder>      where the stores are put (default bench/.data; a real disk, no tmpfs)
  --hitkv <file>       the build to measure, as it is (default dist/index.js, built where it is not up to date)
  --help

Exit code 1: a result was wrong, or the run broke off. 2: it could not start.
`;

/** Ends the run before it started. */
function refuse(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}

function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    refuse(`--${name} is '${text}': use a whole number of 1 or more`);
  return number;
}

/** Splits `--only` into measurements and contenders; none of a kind means all of it. */
function chosen(only) {
  const names = (only ?? '').split(',').filter(Boolean);
  const unknown = names.find((name) => !phaseNames.includes(name) && !contenderNames.includes(name));
  if (unknown)
    refuse(`--only names '${unknown}', which is none of ${[...phaseNames, ...contenderNames].join(', ')}`);
  const pick = (all) =>
    all.some((name) => names.includes(name)) ? all.filter((name) => names.includes(name)) : all;
  // Only who names it waits for a build of RocksDB; else it is measured where the addon has it.
  const buildsRocksdb = names.some((name) => name.startsWith('hitkv-rocksdb'));
  return { phases: pick(phaseNames), contenders: pick(contenderNames), buildsRocksdb };
}

/** Reads the command line. Ends the process with code 2 where it makes no sense. */
export function readOptions(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        only: { type: 'string' },
        entries: { type: 'string' },
        large: { type: 'string' },
        bulk: { type: 'string' },
        repetitions: { type: 'string' },
        overwrite: { type: 'string' },
        sustain: { type: 'string' },
        quick: { type: 'boolean', default: false },
        ci: { type: 'boolean', default: false },
        json: { type: 'string' },
        'check-targets': { type: 'boolean', default: false },
        data: { type: 'string', default: join(here, '.data') },
        hitkv: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    refuse(`${error.message}\n\n${usage}`);
  }
  if (values.help) return { help: true };

  const byLength = (ci, quick, full) => (values.ci ? ci : values.quick ? quick : full);
  const entries = wholeNumber('entries', values.entries ?? (values.ci ? '10000' : '1000000'));
  return {
    ...chosen(values.only),
    entries,
    largeEntries: wholeNumber('large', values.large ?? String(Math.max(1000, Math.round(entries / 10)))),
    bulkEntries: wholeNumber('bulk', values.bulk ?? byLength('20000', '1000000', '10000000')),
    repetitions: wholeNumber('repetitions', values.repetitions ?? byLength('1', '1', '5')),
    overwriteSeconds: wholeNumber('overwrite', values.overwrite ?? byLength('1', '5', '20')),
    sustainSeconds: wholeNumber('sustain', values.sustain ?? byLength('1', '15', '120')),
    // Small segments, so that a run of a second compacts as well.
    segmentBytes: values.ci ? 1 << 20 : undefined,
    // How long mitata samples one fast operation, in each process.
    sampleMs: values.ci ? 50 : 600,
    json: values.json,
    checkTargets: values['check-targets'],
    dataFolder: resolve(values.data),
    hitkv: resolve(values.hitkv ?? join(here, '..', 'dist', 'index.js')),
    builds: values.hitkv === undefined,
  };
}
