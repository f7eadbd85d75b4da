import { expect, test, vi } from 'vitest';
import type { NativeCall, NativeFailure, NativeOutcome } from '../../src/native/binding.js';
import { LongCalls } from '../../src/native/long.js';
import { Tickets } from '../../src/native/tickets.js';
import type { Progress } from '../../src/types.js';
import { failure } from '../failure.js';

const aborted = { code: 'HIT_ABORTED', message: 'ended by its caller', retryable: false };

/** A call in an addon that goes on when it is told to. */
function calling() {
  const tickets = new Tickets();
  const calls = new LongCalls(tickets);
  const abort = vi.fn();
  const leave = vi.fn();
  let progress: Progress = { done: 0, bytes: 0 };
  const call: NativeCall = {
    ticket: 1,
    progress: () => progress,
    takeOutcome: (): NativeOutcome => ({ loaded: progress.done }),
    abort,
    leave,
  };
  return {
    calls,
    call,
    abort,
    leave,
    tell: (next: Progress) => {
      progress = next;
      tickets.settle([], [], [1]);
    },
    end: (last?: Progress) => {
      progress = last ?? progress;
      tickets.settle([1], [], []);
    },
    fail: (error: NativeFailure) => tickets.settle([], [1, error], []),
  };
}

test('progress is handed on, and the last of it at the end, each once', async () => {
  const { calls, call, tell, end } = calling();
  const told: Progress[] = [];
  const running = calls.run('load', () => call, { onProgress: (progress) => told.push(progress) });
  tell({ done: 1, bytes: 10 });
  tell({ done: 1, bytes: 10 });
  tell({ done: 2, total: 3, bytes: 20 });
  end({ done: 3, total: 3, bytes: 30 });
  expect(await running).toEqual({ loaded: 3 });
  expect(told).toEqual([
    { done: 1, bytes: 10 },
    { done: 2, total: 3, bytes: 20 },
    { done: 3, total: 3, bytes: 30 },
  ]);
});

test('the addon is asked for progress only where somebody hears of it', async () => {
  const { calls, call, end } = calling();
  const start = vi.fn(() => call);
  const running = calls.run('load', start);
  end();
  await running;
  expect(start).toHaveBeenCalledExactlyOnceWith(false);
});

test('what onProgress throws ends the call, which rejects with it', async () => {
  const { calls, call, abort, tell, fail } = calling();
  const error = new Error('on purpose');
  const onProgress = vi.fn(() => {
    throw error;
  });
  const running = failure(() => calls.run('load', () => call, { onProgress }));
  tell({ done: 1, bytes: 1 });
  expect(abort).toHaveBeenCalledOnce();
  tell({ done: 2, bytes: 2 });
  expect(onProgress).toHaveBeenCalledOnce();
  fail(aborted);
  expect(await running).toBe(error);
});

test('a signal ends the call, and its reason is the cause', async () => {
  const { calls, call, abort, fail } = calling();
  const controller = new AbortController();
  const running = failure(() => calls.run('backup', () => call, { signal: controller.signal }));
  const reason = new Error('enough');
  controller.abort(reason);
  expect(abort).toHaveBeenCalledOnce();
  fail(aborted);
  expect(await running).toMatchObject({ name: 'HitError', code: 'HIT_ABORTED', cause: reason });
});

test('a signal that came too late changes nothing', async () => {
  const { calls, call, abort, end } = calling();
  const controller = new AbortController();
  const running = calls.run('backup', () => call, { signal: controller.signal });
  end();
  await running;
  controller.abort();
  expect(abort).not.toHaveBeenCalled();
});

test('a signal that is aborted starts nothing', async () => {
  const { calls, call } = calling();
  const start = vi.fn(() => call);
  const error = await failure(() => calls.run('backup', start, { signal: AbortSignal.abort('why') }));
  expect(error).toMatchObject({ code: 'HIT_ABORTED', cause: 'why' });
  expect(start).not.toHaveBeenCalled();
});

test('a failure has its code, and ends the waiting', async () => {
  const { calls, call, fail, leave } = calling();
  const running = failure(() => calls.run('dump', () => call));
  fail({ code: 'HIT_DISK_FULL', message: 'no room', retryable: true });
  expect(await running).toMatchObject({ name: 'HitError', code: 'HIT_DISK_FULL', message: 'no room' });
  calls.leave();
  expect(leave).not.toHaveBeenCalled();
});

test('at the end of the thread every call that runs is ended and waited for', () => {
  const { calls, call, abort, leave } = calling();
  void calls.run('dump', () => call);
  calls.leave();
  expect(abort).toHaveBeenCalledOnce();
  expect(leave).toHaveBeenCalledOnce();
});
