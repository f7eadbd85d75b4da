/** One measurement of one contender. Its parent gives the job as JSON and gets the figures as a message. */
import { contenders } from './contenders/index.mjs';
import { Unavailable } from './contenders/unavailable.mjs';
import { fill } from './phases/fill.mjs';
import { phases } from './phases/index.mjs';
import { probe } from './phases/probe.mjs';

const job = JSON.parse(process.argv[2]);
const run = { fill, probe }[job.phase] ?? phases[job.phase].run;
let answer;
try {
  const contender = await contenders[job.contender].load(job);
  answer = { figures: await run(contender, job) };
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  answer = { unavailable: error.message };
}
process.send(answer, () => process.disconnect());
