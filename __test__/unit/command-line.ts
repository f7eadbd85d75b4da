/** Runs command lines in this process, with surroundings that only note what is said and asked. */
import { open, verify } from '../../index.js';
import { run } from '../../src/cli/program.js';
import type { BytesStore, Surroundings } from '../../src/cli/surroundings.js';

export interface Said {
  out: string;
  /** The same as it was written. */
  bytes: Buffer;
  err: string;
  exitCode: number;
  served: string[][];
  asked: string[];
}

export interface World {
  input?: string | Uint8Array;
  env?: Record<string, string>;
  terminal?: Partial<Surroundings['terminal']>;
  answer?: string;
  open?: Surroundings['open'];
  out?: Surroundings['out'];
  serve?: Surroundings['serve'];
  verify?: Surroundings['verify'];
  loadInput?: Surroundings['loadInput'];
  dumpOutput?: Surroundings['dumpOutput'];
}

export async function hitkv(args: string[], world: World = {}): Promise<Said> {
  const said = { err: '', served: [] as string[][], asked: [] as string[] };
  const written: Uint8Array[] = [];
  const exitCode = await run(args, {
    out: async (data) => {
      await world.out?.(data);
      written.push(Buffer.from(data));
    },
    err: (text) => {
      said.err += text;
    },
    input: async function* () {
      yield Buffer.from(world.input ?? '');
    },
    terminal: { in: false, out: false, err: false, columns: 80, ...world.terminal },
    ask: async (question) => {
      said.asked.push(question);
      return world.answer ?? '';
    },
    env: world.env ?? {},
    open: world.open ?? ((url, options) => open(url, options) as Promise<BytesStore>),
    verify: world.verify ?? verify,
    loadInput: world.loadInput ?? noStream,
    dumpOutput: world.dumpOutput ?? noStream,
    serve:
      world.serve ??
      (async (url, http) => {
        said.served.push([url, http]);
      }),
  });
  const bytes = Buffer.concat(written);
  return { ...said, bytes, out: bytes.toString(), exitCode };
}

/** The standard streams of this process are the test runner's. */
async function noStream(): Promise<never> {
  throw new Error('this test has no standard streams');
}
