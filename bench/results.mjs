import { writeFileSync } from 'node:fs';
import { tables } from './names.mjs';
import { TARGET_BULK_ENTRIES, TARGET_ENTRIES } from './targets.mjs';

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

/** How many times as fast one of hitkv's stores is; for a time, how many times as short. */
function ratio(figure, ours, peer) {
  const own = figure.contenders[ours]?.median;
  const theirs = figure.contenders[peer]?.median;
  if (own === undefined || theirs === undefined) return '–';
  return `${(figure.less ? theirs / own : own / theirs).toFixed(2)}×`;
}

/** A contender's name in the table. */
const spoken = (name) => name.replaceAll('-', ' ');

/** One target and whether it is met. Whose it is stands before it where that is not the one the table is about. */
function verdict(target, unit, ours) {
  const { atLeast, atMost, share, of } = target;
  const limit = atLeast ?? atMost;
  const name = typeof limit === 'number' ? amount(limit, unit) : spoken(limit);
  const peer = of === undefined ? name : `\`${of}\` of ${name}`;
  const part = share === undefined ? '' : `${Math.round(share * 100)}% of `;
  const whose = target.ours === ours ? '' : `${spoken(target.ours)} `;
  const wanted = `${whose}${atMost === undefined ? '≥' : '≤'} ${part}${peer}`;
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

/** One of the tables, of those who ran; undefined where nothing of it was measured. */
function renderTable({ title, ours, contenders, peers }, ran, figures, targets) {
  const names = contenders.filter((name) => ran.includes(name));
  const measured = figures.filter((figure) => names.some((name) => figure.contenders[name]));
  if (measured.length === 0) return undefined;
  const compared = names.includes(ours) ? peers.filter((peer) => names.includes(peer)) : [];
  const rows = [
    ['', ...names.map(spoken), ...compared.map((peer) => `${spoken(ours)} ÷ ${spoken(peer)}`), 'targets'],
    ...measured.map((figure) => [
      figure.title,
      ...names.map((name) => cell(figure.contenders[name], figure.unit)),
      ...compared.map((peer) => ratio(figure, ours, peer)),
      targets
        .filter((target) => target.figure === figure.id && names.includes(target.ours))
        .map((target) => verdict(target, figure.unit, ours))
        .join('; '),
    ]),
  ];
  return `${title}\n\n${table(rows)}`;
}

/** What an answer to a write meant for each. */
const ACKNOWLEDGED = [
  'Acknowledged means: hitkv, hitkv rocksdb synced, classic level synced: synced (durability disk). hitkv rocksdb, classic level,',
  'nxtedition rocksdb, rocksdb native: the system has it, unsynced (durability os). lmdb committed, synced a little later (its',
  'default); lmdb synced: synced (overlappingSync off); map: nothing is kept. The scan of a map has no order.',
  'classic level and nxtedition rocksdb have a cache of 256 MiB, classic level a write buffer of 64 MiB, instead of their',
  'defaults; rocksdb native reads by promises only and has a cache of a fixed size.',
];

/** The results as Markdown: what they were taken on, the tables, what the words mean. */
export function renderResults(machine, options, { figures, leftOut }, targets) {
  const ran = options.contenders.filter((name) => !(name in leftOut));
  const notMet = targets.filter(({ met }) => met === false).length;
  const judged = targets.filter(({ met }) => met !== null).length;
  return [
    `hitkv ${machine.hitkv}, ${Object.entries(machine.packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}, Node ${machine.node}, ${machine.system}`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.date}, load at the start ${machine.load}`,
    `${whole.format(options.entries)} small entries, ${whole.format(options.largeEntries)} of 1 KiB, ` +
      `${whole.format(options.bulkEntries)} in bulk; medians of ` +
      `${options.repetitions} interleaved repetitions, ± half the distance of the extremes; every result was compared`,
    ...tables
      .map((one) => renderTable(one, ran, figures, targets))
      .flatMap((text) => (text ? ['', text] : [])),
    '',
    ...ACKNOWLEDGED,
    `Overwriting: rounds of ${options.overwriteSeconds} s, the long one ${options.sustainSeconds} s.`,
    ...Object.entries(leftOut).map(([name, why]) => `LEFT OUT: ${spoken(name)}: ${why}`),
    `Targets: ${judged - notMet} of ${judged} judged are met, ${targets.length - judged} were not judged.`,
    ...(options.entries === TARGET_ENTRIES && options.bulkEntries === TARGET_BULK_ENTRIES
      ? []
      : [
          `Targets are judged at ${whole.format(TARGET_ENTRIES)} entries only, in bulk at ${whole.format(TARGET_BULK_ENTRIES)}.`,
        ]),
  ].join('\n');
}

/** Writes the results for a program to read. */
export function writeJson(file, { machine, options, figures, leftOut, targets }) {
  const { entries, largeEntries, bulkEntries, repetitions, overwriteSeconds, sustainSeconds } = options;
  const sizes = { entries, largeEntries, bulkEntries, repetitions, overwriteSeconds, sustainSeconds };
  const { phases, contenders } = options;
  const text = `${JSON.stringify({ machine, ...sizes, phases, contenders, leftOut, figures, targets }, null, 2)}\n`;
  if (file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}
