/** The README's first five minutes, as steps that can be taken. */
import { readFile } from 'node:fs/promises';

/** One thing a reader does. `prints` is what the README shows below it. */
export type Step =
  | { does: 'start' }
  | { does: 'stop' }
  | { does: 'file'; name: string; text: string }
  | { does: 'commands'; text: string; prints: string };

/** What a reader who follows the section from top to bottom does. */
export async function stepsOf(readme: URL): Promise<Step[]> {
  const text = await readFile(readme, 'utf8');
  const [, section] = /^## First five minutes\n(.*?)^## /ms.exec(text) ?? [];
  if (!section) throw new Error('README.md has no section "First five minutes"');
  const steps: Step[] = [];
  for (const [, language, block] of section.matchAll(/^```(\w+)\n(.*?)^```|Ctrl-C/gms)) {
    const last = steps.at(-1);
    if (block === undefined) steps.push({ does: 'stop' });
    else if (language === 'js') steps.push({ does: 'file', name: nameOf(block), text: block });
    else if (/^(npm start|npx hitkv serve \.\/data)$/m.test(block)) steps.push({ does: 'start' });
    else if (language === 'sh') steps.push({ does: 'commands', text: block, prints: '' });
    else if (last?.does === 'commands' && last.prints === '') last.prints = block;
    else throw new Error(`README.md shows a result that belongs to no commands: ${block}`);
  }
  return steps;
}

function nameOf(script: string): string {
  const [, name] = /^\/\/ (\S+\.mjs)\n/.exec(script) ?? [];
  if (!name) throw new Error(`a script of the README does not begin with its name: ${script}`);
  return name;
}

/** What the README shows, with `…` for what differs from run to run. */
export function shown(prints: string): RegExp {
  const parts = prints.trim().split('…');
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's');
}
