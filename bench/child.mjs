/** One measurement of one contender. Its parent gives the job as JSON and gets the figures as a message. */
import { contenders } from './contenders/index.mjs';
import { fill } from './phases/fill.mjs';
import { phases } from './phases/index.mjs';

const job = JSON.parse(process.argv[2]);
const contender = await contenders[job.contender].load(job);
const phase = job.phase === 'fill' ? { run: fill } : phases[job.phase];
const figures = await phase.run(contender, job);
process.send(figures, () => process.disconnect());
