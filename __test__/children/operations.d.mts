import type { Store } from '../../index.js';

type Change = { type: 'set'; key: string; value: string } | { type: 'delete'; key: string };

/** A change of a store, or of its model, that takes effect as a whole. */
export type ModelOperation =
  | Change
  | { type: 'batch'; members: Change[] }
  | { type: 'increment'; key: string }
  | { type: 'clear'; prefix: string };

export function randomNumbers(seed: number): () => number;
export function operations(seed: number, prefix: string): Generator<ModelOperation, never>;
export function run(db: Store<string>, operation: ModelOperation): Promise<unknown>;
export function model(map: Map<string, string>, operation: ModelOperation): void;
