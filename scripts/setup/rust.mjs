import { compareVersions, meets, parseVersion } from './version.mjs';

/** What a toolchain lacks of what is needed: 'cargo', 'clippy', 'rustfmt'. */
export function lacking(toolchain, need) {
  const lacks = need.components.filter((component) => !toolchain[component]);
  return meets(toolchain.cargo, need.rust) ? lacks : ['cargo', ...lacks];
}

/** The first toolchain that has everything, else the first whose rustc is new enough, else none. */
export function chooseToolchain(toolchains, need) {
  const newEnough = toolchains.filter((toolchain) => meets(toolchain.rustc, need.rust));
  return newEnough.find((toolchain) => lacking(toolchain, need).length === 0) ?? newEnough[0];
}

/** The names of the packages of one of a distribution's families of Rust packages. */
export function packagesOf(family, components) {
  const version = /^rustc-(\d.*)$/.exec(family)?.[1];
  const names =
    family === 'rustc-web'
      ? { cargo: 'cargo-web', clippy: 'rust-web-clippy', rustfmt: 'rustfmt-web' }
      : version
        ? { cargo: `cargo-${version}`, clippy: `rust-${version}-clippy`, rustfmt: `rustfmt-${version}` }
        : { cargo: 'cargo', clippy: 'rust-clippy', rustfmt: 'rustfmt' };
  return components.map((component) => names[component]);
}

/**
 * The family to install: of those new enough Debian's `rustc-web` (kept new for browsers), then the newest versioned
 * one, then the plain one. `candidates` maps names to the versions that apt offers.
 */
export function chooseFamily(candidates, need) {
  const rank = (name) => (name === 'rustc-web' ? 0 : name === 'rustc' ? 2 : 1);
  return Object.keys(candidates)
    .filter((name) => /^rustc(-web|-\d.*)?$/.test(name) && meets(candidates[name], need.rust))
    .sort((a, b) => rank(a) - rank(b) || compareVersions(candidates[b], candidates[a]))[0];
}

/** Why none of the toolchains found will do, and which package of the system would not either. */
export function rustProblem(toolchains, candidates, need) {
  const old = toolchains.map(
    (found) => `${parseVersion(found.rustc).join('.')} in ${found.place} is too old`,
  );
  const plain = candidates.rustc;
  if (old.length === 0) old.push('not found');
  if (plain && !meets(plain, need.rust)) {
    old.push(`this system's package rustc (${parseVersion(plain).join('.')}) is too old and not used`);
  }
  return old.join('; ');
}
