import { chooseFamily, chooseToolchain, lacking, packagesOf, rustProblem } from './rust.mjs';

const RUST_COMPONENTS = ['clippy', 'rustfmt'];
const RUSTUP_LINE =
  "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy -c rustfmt";

/** Where to read on when a part cannot be installed from here. */
export const LINKS = {
  rust: 'https://www.rust-lang.org/tools/install',
  node: 'https://nodejs.org/en/download',
  compiler: {
    darwin: 'xcode-select --install',
    win32: 'https://visualstudio.microsoft.com/visual-cpp-build-tools/',
    linux: 'the C compiler and the C library headers of your distribution (gcc or clang)',
  },
  cxx: {
    darwin: 'xcode-select --install',
    win32: 'https://visualstudio.microsoft.com/visual-cpp-build-tools/',
    linux: 'the C++ compiler of your distribution (g++ 11 or newer, or clang++)',
  },
  libclang: {
    darwin: 'xcode-select --install',
    win32: 'https://releases.llvm.org (LIBCLANG_PATH names the folder of libclang.dll)',
    linux: 'the package with libclang and its headers of your distribution (clang-devel, clang)',
  },
};

/**
 * From what is there and what is needed to what is missing and how to mend it. Decides only; nothing is run.
 *
 * `steps` is what setup would run, in order; `line` the same for a person to paste; `notes` what neither can do;
 * `toolchain` the Rust to build with.
 */
export function plan(facts, need) {
  const parts = [
    npmPart(facts),
    compilerPart(facts),
    cxxPart(facts),
    libclangPart(facts),
    certificatesPart(facts),
    rustPart(facts, need),
  ];
  const missing = parts.filter((part) => part.problem);
  const packages = [...new Set(missing.flatMap((part) => part.packages ?? []))];
  const rustup = missing.find((part) => part.rustup)?.rustup;
  const updateFirst = missing.some((part) => part.unlisted);

  const steps = [];
  if (packages.length > 0 || updateFirst) steps.push({ kind: 'apt', packages });
  if (rustup) steps.push({ kind: 'rustup', ...rustup });
  return {
    missing: missing.map(({ what, problem }) => ({ what, problem })),
    steps,
    line: line(facts, packages, updateFirst, rustup),
    notes: missing.flatMap((part) => part.note ?? []),
    toolchain: chooseToolchain(facts.toolchains, need),
  };
}

function npmPart(facts) {
  if (facts.npm) return {};
  return { what: 'npm', problem: 'not found', ...fromApt(facts, ['npm'], `npm comes with ${LINKS.node}`) };
}

function compilerPart(facts) {
  if (facts.compiler.works) return {};
  const note = LINKS.compiler[facts.platform] ?? LINKS.compiler.linux;
  return {
    what: 'a C compiler and linker',
    problem: facts.compiler.problem,
    ...fromApt(facts, ['gcc', 'libc6-dev'], `C compiler: ${note}`),
  };
}

function cxxPart(facts) {
  if (facts.cxx.works) return {};
  const note = LINKS.cxx[facts.platform] ?? LINKS.cxx.linux;
  return {
    what: 'a C++ compiler, for RocksDB',
    problem: facts.cxx.problem,
    ...fromApt(facts, ['g++'], `C++ compiler: ${note}`),
  };
}

function libclangPart(facts) {
  if (facts.libclang.works) return {};
  const note = LINKS.libclang[facts.platform] ?? LINKS.libclang.linux;
  return {
    what: 'libclang, for RocksDB',
    problem: facts.libclang.problem,
    ...fromApt(facts, ['libclang-dev'], `libclang: ${note}`),
  };
}

function certificatesPart(facts) {
  if (facts.certificates) return {};
  return {
    what: 'certificates of the authorities that sign web sites',
    problem: 'no bundle was found, so cargo cannot download crates',
    ...fromApt(facts, ['ca-certificates'], 'certificates: the package ca-certificates of your distribution'),
  };
}

function fromApt(facts, packages, note) {
  return facts.apt.usable ? { packages } : { note };
}

function rustPart(facts, need) {
  const what = `Rust ${need.rust} or newer`;
  const toolchain = chooseToolchain(facts.toolchains, need);
  if (toolchain) {
    const lacks = lacking(toolchain, need);
    if (lacks.length === 0) return {};
    const problem = `the one in ${toolchain.place} has no ${lacks.join(' and no ')}`;
    const mend = mendToolchain(facts, toolchain, lacks);
    return { what, problem, ...(mend ?? newRust(facts, need)) };
  }
  return {
    what,
    problem: rustProblem(facts.toolchains, facts.apt.candidates, need),
    ...newRust(facts, need),
  };
}

/** How to add components to a toolchain that is new enough; nothing where its origin is unknown. */
function mendToolchain(facts, toolchain, lacks) {
  if (toolchain.family && facts.apt.usable) return { packages: packagesOf(toolchain.family, lacks) };
  const components = lacks.filter((component) => component !== 'cargo');
  if (toolchain.rustup && facts.rustup.command && components.length === lacks.length) {
    const named = toolchain.rustup === true ? [] : ['--toolchain', toolchain.rustup];
    return { rustup: { args: ['component', 'add', ...named, ...components] } };
  }
  return undefined;
}

/** A new toolchain: rustup where it can be downloaded, else the distribution's packages, else a link. */
function newRust(facts, need) {
  if (facts.rustup.reachable) {
    const components = RUST_COMPONENTS.flatMap((component) => ['-c', component]);
    return facts.rustup.command
      ? { rustup: { args: ['toolchain', 'install', 'stable', '--profile', 'minimal', ...components] } }
      : { rustup: { install: true } };
  }
  if (facts.apt.usable) {
    // Debian 12 keeps rustc-web current through its security updates; lists that do not show it yet are stale or empty.
    const debian12 = facts.system.id === 'debian' && facts.system.version === '12';
    const tried = facts.toolchains.some((found) => found.family === 'rustc-web');
    const family = chooseFamily(facts.apt.candidates, need) ?? (debian12 && !tried ? 'rustc-web' : undefined);
    if (family) return { packages: [family, ...packagesOf(family, ['cargo', ...RUST_COMPONENTS])] };
    if (!facts.apt.listed) return { unlisted: true };
  }
  return { note: `Rust: ${LINKS.rust} (static.rust-lang.org could not be reached from here)` };
}

function line(facts, packages, updateFirst, rustup) {
  const named = rustup?.install && !facts.curl && facts.apt.usable ? [...packages, 'curl'] : packages;
  const commands = [];
  if (named.length > 0 || updateFirst) {
    const install = named.length > 0 ? [`apt-get install -y --no-install-recommends ${named.join(' ')}`] : [];
    commands.push(asRoot(facts, ['apt-get update', ...install]));
  }
  if (rustup) commands.push(rustup.install ? RUSTUP_LINE : `rustup ${rustup.args.join(' ')}`);
  return commands.join(' && ');
}

function asRoot(facts, commands) {
  if (facts.root) return commands.join(' && ');
  if (facts.sudo) return commands.map((command) => `sudo ${command}`).join(' && ');
  return `su -c '${commands.join(' && ')}'`;
}
