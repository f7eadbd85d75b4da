import { writeFileSync } from 'node:fs';
import { TARGET_ENTRIES } from './targets.mjs';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `5.10M/s`, `91.3k/s`, `331 µs`, `57%`. */
function amount(value, unit) {
  if (unit === '%') return `${value.toFixed(0)}%`;
  if (unit) return `${value < 10 ? value.toFixed(1) : whole.format(value)} ${unit}`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M/s`;
  if (value >= 1e3) return `${(value / 1e3).toFixed(1)}k/s`;
  return `${value.toFixed(0)}/s`;
}

function cell(summary, unit) {
  return summary ? `${amount(summary.median, unit)} ±${(summary.spread * 100).toFixed(0)}%` : '–';
}

/** How many times as fast hitkv is; for a time, how many times as short. */
function ratio(figure, peer) {
  const ours = figure.contenders.hitkv?.median;
  const theirs = figure.contenders[peer]?.median;
  if (ours === undefined || theirs === undefined) return '–';
  return `${(figure.less ? theirs / ours : ours / theirs).toFixed(2)}×`;
}

function verdict(target, unit) {
  if (!target) return '';
  const { atLeast, atMost, share } = target;
  const limit = atLeast ?? atMost;
  const text = typeof limit === 'number' ? amount(limit, unit) : limit.replace('-', ' ');
  const wanted = `${atMost === undefined ? '≥' : '≤'} ${share === undefined ? '' : `${share * 100}% of `}${text}`;
  if (target.met === null) return `${wanted}: not judged`;
  return `${wanted}: ${target.met ? 'met' : 'NOT met'}`;
}

/** Lines up the columns of a Markdown table. */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n');
}

/** The results as Markdown: what they were taken on, the table, what the words mean. */
export function renderResults(machine, options, figures, targets) {
  const names = options.contenders;
  const rows = [
    ['', ...names.map((name) => name.replace('-', ' ')), 'hitkv ÷ lmdb', 'hitkv ÷ map', 'target'],
    ...figures.map((figure) => [
      figure.title,
      ...names.map((name) => cell(figure.contenders[name], figure.unit)),
      ratio(figure, 'lmdb'),
      ratio(figure, 'map'),
      verdict(
        targets.find((target) => target.figure === figure.id),
        figure.unit,
      ),
    ]),
  ];
  return [
    `hitkv ${machine.hitkv}, lmdb ${machine.lmdb}, Node ${machine.node}, ${machine.system}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.date}`,
    `${whole.format(options.entries)} small entries, ${whole.format(options.largeEntries)} of 1 KiB; medians of ` +
      `${options.repetitions} interleaved repetitions, ± half the distance of the extremes; every result was compared`,
    '',
    table(rows),
    '',
    'Acknowledged means: hitkv synced (durability disk); lmdb committed, synced a little later (its default);',
    'lmdb synced: synced (overlappingSync off); map: nothing is kept. The scan of a map has no order.',
    `Overwriting: rounds of ${options.overwriteSeconds} s, the long one ${options.sustainSeconds} s.`,
    ...(options.entries === TARGET_ENTRIES
      ? []
      : [`Targets are judged at ${whole.format(TARGET_ENTRIES)} entries only.`]),
  ].join('\n');
}

/** Writes the results for a program to read. */
export function writeJson(file, { machine, options, figures, targets }) {
  const { entries, largeEntries, repetitions, overwriteSeconds, sustainSeconds, phases, contenders } =
    options;
  const run = { entries, largeEntries, repetitions, overwriteSeconds, sustainSeconds, phases, contenders };
  const text = `${JSON.stringify({ machine, ...run, figures, targets }, null, 2)}\n`;
  if (file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}
