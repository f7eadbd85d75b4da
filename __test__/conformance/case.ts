import type { Capabilities, OpenOptions, Store } from '../../index.js';

/** A capability that gates a case; `reopening` is had by kinds of store whose data outlives a close. */
export type Need = Exclude<keyof Capabilities, 'maxValueBytes'> | 'reopening';

/** The store under test, empty when a case begins. Handles are closed when it ends. */
export interface Trial {
  /** Opens it with text as keys and values. */
  text(options?: OpenOptions): Promise<Store<string>>;
  /** Opens it with bytes as keys and values. */
  bytes(options?: OpenOptions): Promise<Store<Uint8Array, Uint8Array>>;
}

/** One behaviour that every kind of store has; the Rust side has a case of the same name. */
export interface Case {
  name: string;
  needs?: Need;
  run(trial: Trial): Promise<void>;
}

/** The bytes of a text, or of numbers. */
export function bytes(...content: [string] | number[]): Uint8Array {
  return typeof content[0] === 'string'
    ? new TextEncoder().encode(content[0])
    : Uint8Array.from(content as number[]);
}
