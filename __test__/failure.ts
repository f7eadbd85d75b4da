import { expect } from 'vitest';

/** What tests look at in an error: every error of hitkv has a code and a message. */
export interface Failure extends Error {
  readonly code?: string;
  readonly keys?: string[];
  readonly retryable?: boolean;
}

/** The error a promise rejects with; a call that throws instead of rejecting is a failure of its own. */
export async function failure(call: () => Promise<unknown>): Promise<Failure> {
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (error) {
    throw new Error(`threw instead of rejecting: ${call}: ${String(error)}`, { cause: error });
  }
  return promise.then(
    (value) => {
      throw new Error(`resolved with ${String(value)} instead of rejecting: ${call}`);
    },
    (error: Failure) => error,
  );
}

/** The error a call throws. */
export function thrown(call: () => unknown): Failure {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return error as Failure;
  }
  throw new Error(`returned ${String(value)} instead of throwing: ${call}`);
}

/** Holds that a wrong JavaScript type or number was refused as one, with a message to act on. */
export function expectArgumentError(error: Failure): void {
  expect(error, String(error)).toSatisfy((it) => it instanceof TypeError || it instanceof RangeError);
  expect(error).toMatchObject({ code: 'HIT_ARGUMENT', message: expect.stringMatching(/\S{3}/) });
}
