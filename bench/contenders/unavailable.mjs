/** A contender that cannot take part on this machine, and why. The run goes on without it and says so. */
export class Unavailable extends Error {}

/** Imports a package that is a prebuilt binary: where there is none for this platform nothing is compiled in its place. */
export async function importPrebuilt(name) {
  try {
    return await import(name);
  } catch (error) {
    throw new Unavailable(`${name} does not load here: ${error.message.split('\n')[0]}`);
  }
}
