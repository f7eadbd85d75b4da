// Imported first by every command, and written in the oldest syntax that has modules, so that an old Node.js gets a
// sentence and not a SyntaxError. The commands import everything else after it has passed.

/** The oldest Node.js that hitkv builds and runs on; package.json's `engines` says the same (a test holds it). */
export const OLDEST_NODE = '20.19.0';

/** What is wrong with this version of Node.js, or nothing. */
export function nodeProblem(version) {
  const have = version.split('.').map(Number);
  const need = OLDEST_NODE.split('.').map(Number);
  const enough = have[0] > need[0] || (have[0] === need[0] && have[1] >= need[1]);
  if (enough) return '';
  return `hitkv needs Node.js ${OLDEST_NODE} or newer, this is ${version}: install one from https://nodejs.org/en/download and run the command again.`;
}

const problem = nodeProblem(process.versions.node);
if (problem) {
  console.error(problem);
  process.exit(1);
}
