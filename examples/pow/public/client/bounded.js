// Waiting with an end: by the clock, or by an AbortSignal.
/** Above this, setTimeout fires at once; no wait of ours is that long (24 days). */
const TIMER_MS_MAX = 2 ** 31 - 1;
/**
 * Starts `work` and waits for it, but not beyond the bound.
 * @param work gets a signal that fires when the wait has ended early
 */
export async function bounded(work, bound) {
    const { ms, signal, expired } = bound;
    signal?.throwIfAborted();
    const stop = new AbortController();
    let giveUp = (_why) => { };
    const cut = new Promise((_, reject) => {
        giveUp = (why) => { reject(why); stop.abort(why); };
    });
    const onAbort = () => giveUp(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    const timer = ms === undefined || ms > TIMER_MS_MAX
        ? undefined : setTimeout(() => giveUp(expired()), ms);
    try {
        return await Promise.race([work(stop.signal), cut]);
    }
    finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
    }
}
/** Resolves after `ms`; rejects with the signal's reason if that comes first. */
export function sleep(ms, signal) {
    return new Promise((resolve, reject) => {
        if (signal?.aborted)
            return reject(signal.reason);
        const onAbort = () => { clearTimeout(timer); reject(signal?.reason); };
        const timer = setTimeout(() => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
        }, ms);
        signal?.addEventListener("abort", onAbort, { once: true });
    });
}
/** A promise with its two ends; a rejection nobody waits for is no unhandled one. */
export class Deferred {
    resolve;
    reject;
    promise = handled(new Promise((resolve, reject) => {
        this.resolve = resolve;
        this.reject = reject;
    }));
}
/** Marks a rejection as seen: whoever awaits the promise still gets it. */
export function handled(promise) {
    promise.catch(() => { });
    return promise;
}
/** Reports an error of the application's own code as if it had not been caught. */
export function throwLater(error) {
    queueMicrotask(() => { throw error; });
}
