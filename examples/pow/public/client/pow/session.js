// What both kinds of session have in common.
//
//   new --connect()--> connecting --> running --> ended
//
// Every method gives a promise. One that is rejected and that nobody awaits is silent: the failure
// of a session shows in wait(), and must not end a program elsewhere.
export const MAX_WAIT_MS = 3_600_000;
export const CONNECT_TIMEOUT_MS = 10_000;
/** Runs tasks one after the other, in the order they came, whether or not the earlier ones fail. */
export class Sequence {
    #last = Promise.resolve();
    run(task) {
        const run = this.#last.then(task);
        this.#last = run.catch(() => { });
        return run;
    }
}
