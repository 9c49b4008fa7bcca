// Finds connections that look open but are dead: a probe after silence, the end after more of it.
//
//   alive --interval without a sign--> probed --timeout without a sign--> dead
//     ^------------- any frame --------------'

import type { Sendable } from "./outbox.js";

export interface HeartbeatOptions {
  /** Silence after which a probe is sent, in ms. Default 25,000. */
  interval?: number;
  /** Further silence after which the connection counts as lost, in ms. Default 10,000. */
  timeout?: number;
  /**
   * The probe: a message the hub answers. In Node it may be absent, a ping frame is sent then; a
   * browser cannot send one. `null` sends nothing: silence alone decides, which is for hubs that
   * speak often by themselves.
   */
  message?: Sendable | (() => Sendable) | null;
}

export class Heartbeat {
  readonly #interval: number;
  readonly #timeout: number;
  readonly #probe: () => void;
  readonly #dead: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastSign = 0;
  #state: "stopped" | "alive" | "probed" = "stopped";

  /** @param dead called once, after which the heartbeat stands still until start() */
  constructor(options: HeartbeatOptions, probe: () => void, dead: () => void) {
    this.#interval = options.interval ?? 25_000;
    this.#timeout = options.timeout ?? 10_000;
    this.#probe = probe;
    this.#dead = dead;
  }

  start(): void {
    this.#lastSign = performance.now();
    this.#await(this.#interval);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#state = "stopped";
  }

  /** Something came in. Cheap: without a probe the timer is left alone, and looks when due. */
  sign(): void {
    this.#lastSign = performance.now();
    if (this.#state === "probed") this.#await(this.#interval);
  }

  #await(ms: number): void {
    this.#state = "alive";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const left = this.#interval - (performance.now() - this.#lastSign);
    if (left > 1) return this.#await(left); // timers may be a little early
    this.#state = "probed";
    this.#probe();
    if (this.#state !== "probed") return; // the probe has found out by itself
    this.#timer = setTimeout(() => {
      this.stop();
      this.#dead();
    }, this.#timeout);
  }
}
