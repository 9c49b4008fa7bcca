// Waiting with an end: by the clock, or by an AbortSignal.

/** Above this, setTimeout fires at once; no wait of ours is that long (24 days). */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface Bound {
  /** Milliseconds; absent or Infinity for none. */
  ms?: number | undefined;
  signal?: AbortSignal | undefined;
  /** What the wait rejects with when `ms` are over. */
  expired: () => unknown;
}

/**
 * Starts `work` and waits for it, but not beyond the bound.
 * @param work gets a signal that fires when the wait has ended early
 */
export async function bounded<T>(work: (signal: AbortSignal) => PromiseLike<T>,
                                 bound: Bound): Promise<T> {
  const { ms, signal, expired } = bound;
  signal?.throwIfAborted();
  const stop = new AbortController();
  let giveUp = (_why: unknown) => {};
  const cut = new Promise<never>((_, reject) => {
    giveUp = (why) => { reject(why); stop.abort(why); };
  });
  const onAbort = () => giveUp(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  const timer = ms === undefined || ms > TIMER_MS_MAX
    ? undefined : setTimeout(() => giveUp(expired()), ms);
  try {
    return await Promise.race([work(stop.signal), cut]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** Resolves after `ms`; rejects with the signal's reason if that comes first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => { clearTimeout(timer); reject(signal?.reason); };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** A promise with its two ends; a rejection nobody waits for is no unhandled one. */
export class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (why: unknown) => void;
  readonly promise = handled(new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  }));
}

/** Marks a rejection as seen: whoever awaits the promise still gets it. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Reports an error of the application's own code as if it had not been caught. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => { throw error; });
}
