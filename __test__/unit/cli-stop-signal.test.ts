import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { aborted, stopSignal } from '../../src/cli/stop-signal.js';

let nowMs = 0;
let stop: ReturnType<typeof stopSignal>;
let exit: MockInstance<typeof process.exit>;

beforeEach(() => {
  nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  stop = stopSignal();
});

afterEach(() => {
  stop.release();
  vi.restoreAllMocks();
});

test.each(['SIGINT', 'SIGTERM'] as const)('the first %s asks to stop', async (name) => {
  const ended = aborted(stop.signal);
  process.emit(name, name);
  await ended;
  expect(exit).not.toHaveBeenCalled();
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s again ends the process', (name, exitCode) => {
  process.emit('SIGINT', 'SIGINT');
  nowMs = 5_000;
  process.emit(name, name);
  expect(exit).toHaveBeenCalledExactlyOnceWith(exitCode);
});

test('a signal that comes twice at once counts once', () => {
  process.emit('SIGINT', 'SIGINT');
  nowMs = 20;
  process.emit('SIGINT', 'SIGINT');
  expect(stop.signal.aborted).toBe(true);
  expect(exit).not.toHaveBeenCalled();
});

test('released, it no longer listens', () => {
  const before = process.listenerCount('SIGINT');
  stop.release();
  expect(process.listenerCount('SIGINT')).toBe(before - 1);
});
