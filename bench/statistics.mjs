/** The middle of a list of numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, extremes and the repetitions themselves. `spread` is half the distance of the extremes as a share of the median. */
export function summarise(samples) {
  const middle = median(samples);
  const min = Math.min(...samples);
  const max = Math.max(...samples);
  return { median: middle, min, max, spread: (max - min) / 2 / middle, samples };
}
