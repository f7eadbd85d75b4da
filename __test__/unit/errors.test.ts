import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HitError, nativeError, RETRYABLE } from '../../src/errors.js';

test('the codes and what may be tried again are those of the shared fixture', () => {
  const fixture = JSON.parse(
    readFileSync(new URL('../../fixtures/error-codes.json', import.meta.url), 'utf8'),
  );
  expect(RETRYABLE).toEqual(fixture);
});

test('an error of another copy of the package is known as one', () => {
  class HitErrorOfAnotherCopy extends Error {}
  Object.defineProperty(HitErrorOfAnotherCopy.prototype, Symbol.for('hitkv.HitError'), { value: true });
  expect(HitError.is(new HitErrorOfAnotherCopy())).toBe(true);
  expect(HitError.is(new HitError('HIT_IO', 'x'))).toBe(true);
  expect(HitError.is(new Error('x'))).toBe(false);
  expect(HitError.is(null)).toBe(false);
  expect(HitError.is('HIT_IO')).toBe(false);
});

test('an error carries its code, its cause and, where there are some, its keys', () => {
  const cause = new Error('below');
  const error = new HitError('HIT_CONFLICT', 'x', { cause, keys: ['a'] });
  expect(error).toMatchObject({
    name: 'HitError',
    code: 'HIT_CONFLICT',
    retryable: true,
    keys: ['a'],
    cause,
  });
  expect(error).toBeInstanceOf(Error);
  expect('keys' in new HitError('HIT_IO', 'x')).toBe(false);
  expect('cause' in new HitError('HIT_IO', 'x')).toBe(false);
});

test('a failure of the addon becomes an error with its code', () => {
  const failure = Object.assign(new Error('held'), { code: 'HIT_LOCKED', retryable: true, keys: ['k'] });
  expect(nativeError(failure)).toMatchObject({
    name: 'HitError',
    code: 'HIT_LOCKED',
    message: 'held',
    keys: ['k'],
  });
});

test('what is no failure of the addon stays what it is', () => {
  const error = Object.assign(new Error('x'), { code: 'ENOENT' });
  expect(nativeError(error)).toBe(error);
  expect(nativeError(undefined)).toBe(undefined);
});
