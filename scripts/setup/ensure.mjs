import { runCommand } from '../run/command.mjs';
import { StepFailed, step } from '../run/step.mjs';
import { describe } from './describe.mjs';
import { environmentFor, inspect } from './inspect.mjs';
import { plan } from './plan.mjs';
import { requirements } from './requirements.mjs';
import { installRustup } from './rustup.mjs';

// Installing may show what else can be installed (fetched package lists), so it is planned again, this often at most.
const ROUNDS = 3;

/**
 * Checks the machine for what `purpose` ('start' or 'test') with these cargo features needs, before anything is built, and answers with the
 * environment to build in. Installs what is missing as root or with `yes`; otherwise it prints the line that mends
 * it and throws.
 */
export async function ensureSetup(purpose, { yes = false, features = [] } = {}) {
  const need = requirements(purpose, features);
  for (let round = 0; ; round++) {
    const facts = await inspect(need);
    const { missing, steps, line, notes, toolchain } = plan(facts, need);
    if (missing.length === 0) return { env: environmentFor(toolchain), toolchain };
    const mayInstall = facts.root || facts.sudo || !steps.some(({ kind }) => kind === 'apt');
    const allowed = facts.root || (yes && mayInstall);
    const installing = allowed && steps.length > 0 && round < ROUNDS;
    console.log(describe({ missing, line, notes, installing, mayInstall }));
    if (!installing) throw new StepFailed('setup');
    for (const each of steps) await carryOut(each, facts);
  }
}

async function carryOut(each, facts) {
  if (each.kind === 'apt') {
    const apt = (args) => {
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      return facts.root
        ? runCommand('apt-get', args, { env })
        : runCommand('sudo', ['apt-get', ...args], { env });
    };
    await step('Fetching the lists of packages', () => apt(['update']));
    if (each.packages.length === 0) return;
    const args = ['install', '-y', '--no-install-recommends', ...each.packages];
    await step(`Installing ${each.packages.join(' ')}`, () => apt(args));
  } else if (each.install) {
    await step('Installing Rust with rustup', installRustup);
  } else {
    await step(`rustup ${each.args.join(' ')}`, () => runCommand(facts.rustup.command, each.args));
  }
}
