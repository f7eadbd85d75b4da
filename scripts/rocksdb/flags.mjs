import { cpus } from 'node:os';

// Variables from which the crate that runs the C++ compiler (cc) takes program and flags: plain, with a target's name
// behind them, or with TARGET_ or HOST_ before. Others change where the system's headers and libraries come from.
const COMPILER = /^(TARGET_|HOST_)?(CXX|CXXFLAGS|CXXSTDLIB|AR|ARFLAGS|RANLIB)(_\w+)?$/;
const OTHERS = [
  'CRATE_CC_NO_DEFAULTS',
  'ROCKSDB_CXX_STD',
  'MACOSX_DEPLOYMENT_TARGET',
  'SDKROOT',
  'CPATH',
  'CPLUS_INCLUDE_PATH',
];
const RUSTFLAGS = ['CARGO_ENCODED_RUSTFLAGS', 'RUSTFLAGS', 'CARGO_BUILD_RUSTFLAGS'];

/**
 * What of an environment changes the compiled RocksDB: the C++ compiler's variables, and of Rust's flags those that
 * choose the processor. Where code is made for just this processor, its name is part of it.
 */
export function compilerFlags(env, processor = cpus()[0]?.model ?? '') {
  const names = Object.keys(env).filter((name) => COMPILER.test(name) || OTHERS.includes(name));
  const flags = Object.fromEntries(names.sort().map((name) => [name, env[name]]));
  const rust = processorFlags(env);
  if (rust) flags.RUSTFLAGS = rust;
  return Object.values(flags).some((value) => /=native\b/.test(value)) ? { ...flags, processor } : flags;
}

/** The environment in which the crate compiles RocksDB for the cache. */
export function compileEnvironment(env, { target }) {
  const {
    CARGO_ENCODED_RUSTFLAGS: _encoded,
    CARGO_BUILD_RUSTFLAGS: _build,
    RUSTFLAGS: _rustflags,
    ...others
  } = env;
  const apple = target.includes('-apple-');
  return {
    ...others,
    // Flags for other ends (sanitizers, coverage) reach Rust only, and another RocksDB is not wanted for them.
    RUSTFLAGS: processorFlags(env),
    // The library in the cache is what .cargo/config.toml names; here the crate must make it.
    ROCKSDB_COMPILE: '1',
    // Debugging information makes the archive thirty times as large.
    CARGO_PROFILE_RELEASE_DEBUG: 'false',
    // Durability: on macOS fsync leaves data in the drive's cache, and RocksDB asks for more only under this name.
    ...(apple ? { CXXFLAGS: `${env.CXXFLAGS ?? ''} -DHAVE_FULLFSYNC`.trim() } : {}),
  };
}

function processorFlags(env) {
  const name = RUSTFLAGS.find((each) => env[each]);
  const text = name ? env[name].replaceAll('\x1f', ' ') : '';
  return [...text.matchAll(/(?:-C\s*|--codegen[= ])(target-(?:cpu|feature)=\S+)/g)]
    .map(([, flag]) => `-C${flag}`)
    .join(' ');
}
