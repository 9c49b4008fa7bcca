// What both kinds of session have in common.
//
//   new --connect()--> connecting --> running --> ended
//
// Every method gives a promise. One that is rejected and that nobody awaits is silent: the failure
// of a session shows in wait(), and must not end a program elsewhere.

import type { Result } from "./messages.js";

/** Where the server is. */
export interface Remote {
  readonly url: string | URL;
  /** Sent with the handshake (not in browsers) or with every REST request. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ConnectOptions {
  /** In ms. Default 10,000. */
  timeout?: number;
  signal?: AbortSignal;
}

export interface SessionWaitOptions {
  /** In ms, Infinity for no end. Default one hour. */
  maxWait?: number;
  /** Ends the wait, not the process. */
  signal?: AbortSignal;
}

export const MAX_WAIT_MS = 3_600_000;
export const CONNECT_TIMEOUT_MS = 10_000;

export interface Session extends AsyncIterable<string> {
  /**
   * Connects and makes the call.
   * @throws errAlreadyConnected, or PowError `connect_failed`, `timeout`, …
   */
  connect(options?: ConnectOptions): Promise<void>;
  /**
   * Waits until the process has ended; may be called often, also afterwards.
   * @throws errNotConnected before connect(), errWaitExceeded, or why the session failed
   */
  wait(options?: SessionWaitOptions): Promise<Result>;
  /**
   * Sends input, after all that was sent before. Does nothing after closeInput().
   * @throws errNotConnected
   */
  sendText(text: string): Promise<void>;
  /**
   * Ends the input. Does nothing the second time.
   * @throws errNotConnected
   */
  closeInput(): Promise<void>;
  /**
   * Asks the process to end; overtakes input that still waits.
   * @throws errNotConnected
   */
  cancel(): Promise<void>;
  /** Lets go of the session at once; wait() is rejected with PowError `closed`. */
  close(): void;
}

/** Runs tasks one after the other, in the order they came, whether or not the earlier ones fail. */
export class Sequence {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => T | PromiseLike<T>): Promise<T> {
    const run = this.#last.then(task);
    this.#last = run.catch(() => {});
    return run;
  }
}
