// Who wants to hear what: handlers by topic, for all topics, for states and for errors.

/** Takes the handler out again; idempotent. */
export type Unsubscribe = () => void;

export interface ListenOptions {
  /** Takes the handler out when it fires. */
  signal?: AbortSignal;
}

/** Handlers in the order they came. One that is added twice is called twice. */
export class Listeners<Arguments extends unknown[]> {
  readonly #handlers = new Set<{ call: (...args: Arguments) => void }>();

  get size(): number {
    return this.#handlers.size;
  }

  add(call: (...args: Arguments) => void, options: ListenOptions = {}): Unsubscribe {
    if (typeof call !== "function") throw new TypeError("the handler is not a function");
    const { signal } = options;
    if (signal?.aborted) return () => {};
    const handler = { call };
    this.#handlers.add(handler);
    const remove = () => {
      this.#handlers.delete(handler);
      signal?.removeEventListener("abort", remove);
    };
    signal?.addEventListener("abort", remove);
    return remove;
  }

  /** Calls those who were there when it began; what one throws does not keep it from the others. */
  call(failed: (error: unknown) => void, ...args: Arguments): void {
    for (const handler of [...this.#handlers]) {
      if (!this.#handlers.has(handler)) continue;
      try {
        handler.call(...args);
      } catch (error) {
        failed(error);
      }
    }
  }
}
