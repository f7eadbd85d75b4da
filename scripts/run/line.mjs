import { clearLine, cursorTo } from 'node:readline';

const QUIET_MS = 60_000;

/**
 * The line of a step that runs: `label … ` at once, what `show` is given while it runs, and its end. On a terminal it is
 * one line that is written anew; elsewhere what is shown gets lines of its own, one a minute at most. `note` prints a
 * line that stays.
 */
export function runningLine(label, { out = process.stdout, now = () => performance.now() } = {}) {
  const terminal = out.isTTY === true && process.env.TERM !== 'dumb';
  const begin = `${label} … `;
  let shown = now();
  let atBegin = true;
  const rewrite = (text) => {
    cursorTo(out, 0);
    clearLine(out, 0);
    out.write(text);
  };
  const below = (text) => {
    out.write(`${atBegin ? '\n' : ''}  ${text}\n`);
    atBegin = false;
  };
  out.write(begin);
  return {
    show(text) {
      if (terminal) return rewrite(begin + text);
      if (now() - shown < QUIET_MS) return;
      shown = now();
      below(text);
    },
    note(text) {
      if (terminal) rewrite(`${text}\n${begin}`);
      else below(text);
    },
    end(text) {
      if (terminal) rewrite(`${begin}${text}\n`);
      else out.write(`${atBegin ? '' : begin}${text}\n`);
    },
  };
}
