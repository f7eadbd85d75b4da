import { binding } from './binding.js';

/** What has something to hand over before the thread ends. */
export interface Leaver {
  leave(): void;
}

/** Every open native store of this thread, held weakly: one that nobody closes can still be collected. */
const leavers = new Set<WeakRef<Leaver>>();
const collected = new FinalizationRegistry<WeakRef<Leaver>>((leaver) => leavers.delete(leaver));
let listening = false;

/**
 * Has `leaver` called when this thread ends by `process.exit`, an uncaught error or having nothing left to do.
 * Returns what takes that back.
 */
export function leaveAtExit(leaver: Leaver): () => void {
  if (!listening) process.on('exit', leaveAll);
  listening = true;
  const held = new WeakRef(leaver);
  leavers.add(held);
  collected.register(leaver, held, held);
  return () => {
    leavers.delete(held);
    collected.unregister(held);
  };
}

/** Stores that were collected or are closing may still be writing what was accepted: the addon waits for all. */
function leaveAll(): void {
  for (const leaver of leavers) leaver.deref()?.leave();
  binding().drainAll();
}
