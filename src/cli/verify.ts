/** `hitkv verify <url>`: reads everything a store has on disk, and names what is damaged. */
import { Command } from 'commander';
import type { VerifyReport } from '../types.js';
import { Ended, EXIT } from './exit-codes.js';
import { longWork, QUIET } from './long-work.js';
import { bytesText } from './progress-line.js';
import { refuseMemory, STORE } from './store-access.js';
import type { Surroundings } from './surroundings.js';

/** Reads the arguments of `verify`. */
export function verifyCommand(surroundings: Surroundings): Command {
  return new Command('verify')
    .summary('check everything on disk')
    .description(
      'check everything on disk, of a store that does not open too; exit code 5 where there is damage',
    )
    .argument('<url>', STORE)
    .option('--json', 'print the report: {"ok","bytes","problems":[{"file","offset","code","message"}]}')
    .option(...QUIET)
    .addHelpText(
      'after',
      `
Example:
  hitkv verify ./data

A problem is a line: file, offset in bytes, what is wrong and its code. Nothing is changed.`,
    )
    .action(async (url: string, { json, quiet }: { json?: true; quiet?: true }) => {
      refuseMemory(url);
      const about = { what: 'verify', unit: 'files', quiet };
      const report = await longWork(surroundings, about, (long) => surroundings.verify(url, long));
      const { ok, bytes, problems } = report;
      if (json) await surroundings.out(`${JSON.stringify(report)}\n`);
      else if (ok) await surroundings.out(`ok, ${bytesText(bytes)} read\n`);
      else {
        await surroundings.out(problems.map(problemLine).join(''));
      }
      if (!ok) throw new Ended(EXIT.damaged, damage(url, problems.length));
    });
}

/** The message of an error names file and offset too; a line says them once. */
function problemLine({ file, offset, code, message }: VerifyReport['problems'][number]): string {
  const place = `${file} is damaged at byte ${offset}: `;
  const what = message.startsWith(place) ? message.slice(place.length) : message;
  return `${file}:${offset}: ${what} (${code})\n`;
}

function damage(url: string, problems: number): string {
  return `${problems === 1 ? '1 problem' : `${problems} problems`} in ${url}: copy the folder before you change anything`;
}
