import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));

export const usage = `npm run real-input [-- options]

  --names <file>   the list: one name a line, or a JSON array (default: the package all-the-package-names, which is
                   installed in real-input/)
  --made <n>       n made names instead, for a run without a list
  --kind <kind>    the kind of store: file (the default) or rocksdb
  --data <folder>  where the store is put (default real-input/.data)
  --hitkv <file>   the build to use, as it is (default dist/index.js, built where it is not up to date)
  --help

Exit code 1: a result was wrong, or the run broke off. 2: it could not start.
`;

const KINDS = ['file', 'rocksdb'];

/** Something is missing or makes no sense, so the run did not begin. */
class CannotStart extends Error {
  exitCode = 2;
}

/** Reads the command line. Throws `CannotStart` where it makes no sense. */
export function readOptions(argv) {
  let values;
  try {
    ({ values } = parseArgs({
      args: argv,
      options: {
        names: { type: 'string' },
        made: { type: 'string' },
        kind: { type: 'string', default: 'file' },
        data: { type: 'string', default: join(here, '.data') },
        hitkv: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new CannotStart(`${error.message}\n\n${usage}`);
  }
  if (values.help) return { help: true };
  const made = values.made === undefined ? undefined : Number(values.made);
  if (made !== undefined && !(Number.isSafeInteger(made) && made > 0)) {
    throw new CannotStart(`--made is '${values.made}': use a whole number of 1 or more`);
  }
  if (!KINDS.includes(values.kind)) {
    throw new CannotStart(`--kind is '${values.kind}': use ${KINDS.join(' or ')}`);
  }
  return {
    kind: values.kind,
    names: values.names && resolve(values.names),
    made,
    needsPackage: values.names === undefined && made === undefined,
    dataFolder: resolve(values.data),
    hitkv: resolve(values.hitkv ?? join(here, '..', 'dist', 'index.js')),
    builds: values.hitkv === undefined,
  };
}
