import { runningLine } from './line.mjs';

const DETAIL_LINES = 60;

/** A step that failed; its details have been printed. */
export class StepFailed extends Error {}

/**
 * Prints one line a step, with the seconds it took; `work` answers as `runCommand` does and may show on the line how far
 * it is. Details only of a failure.
 */
export async function step(label, work) {
  const started = performance.now();
  const line = runningLine(label);
  const result = await work(line).catch((error) => ({ code: 1, problem: error.message, output: '' }));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.code === 0) {
    line.end(`${seconds} s`);
    return result;
  }
  line.end(`failed after ${seconds} s`);
  if (result.output) console.log(tail(result.output, DETAIL_LINES));
  if (result.problem) console.log(`${label}: ${result.problem}`);
  throw new StepFailed(label);
}

/** The last lines of a text, and how many stand before them. */
export function tail(text, lines) {
  const all = text.trimEnd().split('\n');
  const left = all.length - lines;
  return left <= 0 ? all.join('\n') : [`(${left} lines before these)`, ...all.slice(left)].join('\n');
}
