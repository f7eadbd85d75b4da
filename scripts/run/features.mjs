/** The cargo features that a store's kind needs; the addon without any serves files and memory. */
export function featuresOf(url) {
  return /^rocksdb:/i.test(url) ? ['rocksdb'] : [];
}

/**
 * What `node scripts/build.mjs` is asked for: `--rocksdb` or HITKV_ROCKSDB=1, `--no-rocksdb` or HITKV_ROCKSDB=0; with
 * neither, what the addon that is there has. Answers with the features, or with the argument that is unknown.
 */
export function requestedFeatures(args, env, present) {
  const unknown = args.find((argument) => !['--rocksdb', '--no-rocksdb'].includes(argument));
  if (unknown !== undefined) return { unknown };
  const named = args.at(-1) ?? { 1: '--rocksdb', 0: '--no-rocksdb' }[env.HITKV_ROCKSDB];
  if (named === undefined) return { features: present };
  return { features: named === '--rocksdb' ? ['rocksdb'] : [] };
}
