// A crate may depend on crates of lower layers only, so never on one of its own: storages do not know each other, and
// the log and the table do not either.
const LAYERS = [
  ['hit-core'],
  ['hit-log', 'hit-table', 'hit-rocksdb', 'hit-postgres', 'hit-cassandra'],
  ['hit'],
  ['hit-server'],
  ['hit-node'],
];
// For tests only: it may know every crate, and none may depend on it but for its tests.
const TEST_CRATE = 'hit-testkit';

// Outside dependencies that belong to some crates only.
const RESERVED = [
  { prefix: 'napi', crates: ['hit-node'], why: 'only hit-node knows napi' },
  {
    prefix: 'tokio',
    crates: ['hit', 'hit-server', 'hit-node', 'hit-rocksdb', 'hit-postgres', 'hit-cassandra'],
    why: 'core, log and table have no runtime',
  },
  { prefix: 'axum', crates: ['hit-server'], why: 'only hit-server speaks HTTP' },
  { prefix: 'hyper', crates: ['hit-server'], why: 'only hit-server speaks HTTP' },
  { prefix: 'rocksdb', crates: ['hit-rocksdb'], why: 'a storage’s driver belongs to its crate' },
  { prefix: 'tokio-postgres', crates: ['hit-postgres'], why: 'a storage’s driver belongs to its crate' },
  { prefix: 'scylla', crates: ['hit-cassandra'], why: 'a storage’s driver belongs to its crate' },
];

/** What breaks the rule among the workspace's packages, as `cargo metadata` lists them. */
export function crateProblems(packages) {
  const layer = (name) => LAYERS.findIndex((names) => names.includes(name));
  const ours = new Set(packages.map(({ name }) => name));
  return packages.flatMap(({ name, dependencies }) => {
    const unplaced = name !== TEST_CRATE && layer(name) < 0;
    if (unplaced) return [`${name} has no layer: give it one in scripts/rules/dependencies.mjs`];
    if (name === TEST_CRATE) return [];
    return dependencies
      .filter((dependency) => dependency.kind !== 'dev')
      .flatMap(({ name: other }) => {
        if (other === TEST_CRATE) return [`${name} depends on ${other}: only tests may (dev-dependencies)`];
        if (ours.has(other)) {
          return layer(other) < layer(name)
            ? []
            : [`${name} depends on ${other}, which is not of a lower layer`];
        }
        return RESERVED.filter(({ prefix, crates }) => isOf(other, prefix) && !crates.includes(name)).map(
          ({ why }) => `${name} depends on ${other}: ${why}`,
        );
      });
  });
}

function isOf(dependency, prefix) {
  return dependency === prefix || dependency.startsWith(`${prefix}-`);
}

const BINDING = 'src/native/binding.ts';

/** The files other than the one place that import the generated binding. `sources` are pairs of path and text. */
export function bindingProblems(sources) {
  return sources
    .filter(([path, text]) => path !== BINDING && /['"](?:#native|[^'"]*\/native\.cjs)['"]/.test(text))
    .map(([path]) => `${path} imports the generated binding: only ${BINDING} does`);
}
