import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runningLine } from './line.mjs';

const MINUTE_MS = 60_000;

/** A stream that keeps what is written, and a clock that a test moves. */
function stage(isTTY) {
  const written = [];
  const stream = {
    isTTY,
    write(text) {
      written.push(text);
    },
  };
  const clock = { ms: 0 };
  const line = runningLine('Compiling', { out: stream, now: () => clock.ms });
  return { line, clock, text: () => written.join('') };
}

test('where there is no terminal a step that says nothing is one line', () => {
  const { line, text } = stage(false);
  line.show('1 of 9');
  line.end('2.0 s');
  assert.equal(text(), 'Compiling … 2.0 s\n');
});

test('where there is no terminal progress is a line a minute', () => {
  const { line, clock, text } = stage(false);
  line.note('takes long');
  for (clock.ms = 0; clock.ms <= 2 * MINUTE_MS; clock.ms += 1_000) line.show(`${clock.ms / 1_000} of 120`);
  line.end('done');
  assert.equal(text(), 'Compiling … \n  takes long\n  60 of 120\n  120 of 120\nCompiling … done\n');
});

test('on a terminal progress stays on the line, and a note stays above it', () => {
  const { line, text } = stage(true);
  line.show('1 of 9');
  line.show('2 of 9');
  line.note('waits');
  line.end('done');
  const plain = text().replaceAll('\x1b[1G', '\r').replaceAll('\x1b[2K', '');
  assert.equal(
    plain,
    'Compiling … \rCompiling … 1 of 9\rCompiling … 2 of 9\rwaits\nCompiling … \rCompiling … done\n',
  );
});
