// How long to wait before the next attempt: longer after each failure, and never as long as the
// next client does, so that those who lost the same server do not come back in one instant.

const TIMER_MS_MAX = 2 ** 31 - 1; // above, setTimeout fires at once

export interface BackoffOptions {
  /** Before the first retry, in ms. Default 500. */
  minDelay?: number;
  /** Never longer than this, in ms. Default 30,000. */
  maxDelay?: number;
  /** Each delay is that many times the one before. Default 2. */
  factor?: number;
  /** The part of a delay left to chance, 0 to 1. Default 0.5: between half of it and all. */
  jitter?: number;
  /** A connection that lasted this long, in ms, starts from `minDelay` again. Default 10,000. */
  stableAfter?: number;
}

export class Backoff {
  readonly #minDelay: number;
  readonly #maxDelay: number;
  readonly #factor: number;
  readonly #jitter: number;
  readonly #stableAfter: number;
  readonly #random: () => number;
  #failures = 0;

  /** @throws RangeError that names the option */
  constructor(options: BackoffOptions, random: () => number = Math.random) {
    const number = (name: keyof BackoffOptions, otherwise: number, least: number,
                    most = TIMER_MS_MAX) => {
      const value = options[name] ?? otherwise;
      if (value >= least && value <= most) return value;
      throw new RangeError(`reconnect.${name}: ${value} is not between ${least} and ${most}`);
    };
    this.#minDelay = number("minDelay", 500, 0);
    this.#maxDelay = number("maxDelay", Math.max(30_000, this.#minDelay), this.#minDelay);
    this.#factor = number("factor", 2, 1, 100);
    this.#jitter = number("jitter", 0.5, 0, 1);
    this.#stableAfter = number("stableAfter", 10_000, 0, Infinity);
    this.#random = random;
  }

  /** Failures in a row; short-lived connections count as such. */
  get failures(): number {
    return this.#failures;
  }

  /** A connection was lost that had been open for `ms`. */
  lived(ms: number): void {
    if (ms >= this.#stableAfter) this.#failures = 0;
  }

  /** The delay before the next attempt, in ms. */
  next(): number {
    const whole = Math.min(this.#maxDelay, this.#minDelay * this.#factor ** this.#failures);
    this.#failures += 1;
    return Math.round(whole * (1 - this.#jitter * this.#random()));
  }
}
