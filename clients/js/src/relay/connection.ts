// One connection to the relay that outlives its sockets.
//
//   connecting --opened--> open --lost--> waiting --delay over--> connecting ...
//        '---failed--> waiting    '--- close(), signal, a close that says stop ---> closed
//
//   call                 what                                          when it cannot
//   on, onAny            frames by topic, in the order they came       -
//   onState, onError     changes of state; errors (relay/errors.ts)    -
//   send                 now, or queued while not connected            throws queue_full, closed
//   ready, next          wait for a connection, or for one topic       reject closed, timeout
//   close                ends it for good; `closed` tells how it went  throws RangeError

import { bounded, Deferred, throwLater } from "../bounded.js";
import {
  abandonSocket, chooseWebSocket, openSocket, READY, websocketUrl,
  type SocketLike, type SocketOptions, type WebSocketConstructor,
} from "../socket.js";
import { Backoff, type BackoffOptions } from "./backoff.js";
import { checkClose, shouldRetry, type CloseInfo } from "./close.js";
import { RelayError } from "./errors.js";
import { readFrame } from "./frame.js";
import { Heartbeat, type HeartbeatOptions } from "./heartbeat.js";
import { Listeners, type ListenOptions, type Unsubscribe } from "./listeners.js";
import { Outbox, toWire, type QueueOptions, type Sendable } from "./outbox.js";

export interface ReconnectOptions extends BackoffOptions {
  /** So many retries without a stable connection, then it stops. Default: no end. */
  maxRetries?: number;
  /** Whether to come again after this close. Default: shouldRetry. */
  retry?: (close: CloseInfo) => boolean;
}

export interface RelayOptions extends SocketOptions {
  /** `false`: one connection, and its end is the end. */
  reconnect?: ReconnectOptions | false;
  /** `false`: send() without a connection throws. */
  queue?: QueueOptions | false;
  /** Default off: the relay itself finds dead clients; this finds a dead server. */
  heartbeat?: HeartbeatOptions | false;
  /** From the start of an attempt to the open socket, in ms. Default 10,000. */
  connectTimeout?: number;
  /** For the closing handshake after close(), in ms. Default 2000. */
  closeTimeout?: number;
  /** Ends the connection for good when it fires. */
  signal?: AbortSignal;
}

/** A URL, or a function that gives one for every attempt, for instance with a fresh token. */
export type RelayUrl = string | URL | (() => string | URL | Promise<string | URL>);

export type RelayState = "connecting" | "open" | "waiting" | "closed";

export interface StateChange {
  readonly state: RelayState;
  readonly previous: RelayState;
  /** With `waiting` and `closed`: how the last connection ended. */
  readonly close?: CloseInfo;
  /** With `waiting`: ms until the next attempt. */
  readonly retryIn?: number;
}

export interface WaitOptions {
  /** In ms; default none. */
  timeout?: number;
  signal?: AbortSignal;
}

type TopicOf<Topics extends object> = Extract<keyof Topics, string>;

/** What happened to a message: handed to the socket, kept for later, or dropped (queue option). */
export type SendResult = "sent" | "queued" | "dropped";

export class RelayConnection<Topics extends object = Record<string, unknown>> {
  readonly #url: RelayUrl;
  readonly #options: RelayOptions;
  readonly #webSocket: WebSocketConstructor;
  readonly #backoff: Backoff;
  readonly #outbox: Outbox | undefined;
  readonly #heartbeat: Heartbeat | undefined;
  readonly #topics = new Map<string, Listeners<[data: any, topic: string]>>();
  readonly #any = new Listeners<[topic: string, data: unknown]>();
  readonly #states = new Listeners<[change: StateChange]>();
  readonly #errors = new Listeners<[error: RelayError]>();
  readonly #ended = new Deferred<CloseInfo>();
  readonly #onAbort = () => { this.close(); };
  readonly #onOnline = () => { if (this.#state === "waiting") this.#attempt(); };

  #state: RelayState = "connecting";
  #socket: SocketLike | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined; // of the attempt, the delay or the close
  #attempts = 0;      // numbers them, so that a late URL of an older one is known
  #openedAt = 0;
  #closing: { code: number; reason: string } | undefined;

  /** @throws what connect() documents */
  constructor(url: RelayUrl, options: RelayOptions = {}) {
    options.signal?.throwIfAborted();
    this.#url = typeof url === "function" ? url : websocketUrl(url);
    this.#options = options;
    this.#webSocket = chooseWebSocket(options);
    this.#backoff = new Backoff(options.reconnect || {});
    this.#outbox = options.queue === false ? undefined : new Outbox(options.queue ?? {});
    this.#heartbeat = options.heartbeat ? this.#makeHeartbeat(options.heartbeat) : undefined;
    options.signal?.addEventListener("abort", this.#onAbort);
    globalThis.addEventListener?.("online", this.#onOnline);
    // Later, so that whoever called hears of everything from the beginning.
    queueMicrotask(() => { if (this.#state !== "closed") this.#attempt(); });
  }

  get state(): RelayState {
    return this.#state;
  }

  /** Resolves when the connection has ended for good; never rejects. */
  get closed(): Promise<CloseInfo> {
    return this.#ended.promise;
  }

  /** Messages that wait for a connection. */
  get queued(): number {
    return this.#outbox?.length ?? 0;
  }

  /** Bytes the socket has taken and not yet written. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  // --- hearing -----------------------------------------------------------------------------------

  on<Topic extends TopicOf<Topics>>(topic: Topic,
                                    handler: (data: Topics[Topic], topic: Topic) => void,
                                    options?: ListenOptions): Unsubscribe {
    let listeners = this.#topics.get(topic);
    if (!listeners) this.#topics.set(topic, listeners = new Listeners());
    return listeners.add(handler as (data: any, topic: string) => void, options);
  }

  /** Every frame, whatever its topic; called after the handlers of the topic. */
  onAny(handler: (topic: string, data: unknown) => void, options?: ListenOptions): Unsubscribe {
    return this.#any.add(handler, options);
  }

  /** Changes of state. What a handler sends at `open` goes out ahead of the queue. */
  onState(handler: (change: StateChange) => void, options?: ListenOptions): Unsubscribe {
    return this.#states.add(handler, options);
  }

  /** Without such a handler, what a handler throws is thrown globally, the rest is a warning. */
  onError(handler: (error: RelayError) => void, options?: ListenOptions): Unsubscribe {
    return this.#errors.add(handler, options);
  }

  /**
   * Waits for the next frame of a topic.
   * @throws RelayError `timeout` or `closed`, or the reason of the signal
   */
  next<Topic extends TopicOf<Topics>>(topic: Topic,
                                      options: WaitOptions = {}): Promise<Topics[Topic]> {
    return this.#waitFor(`topic "${topic}"`, options, (resolve, signal) => {
      this.on(topic, resolve, { signal });
    });
  }

  /**
   * Waits until there is a connection; at once if there is one.
   * @throws RelayError `timeout` or `closed`, or the reason of the signal
   */
  ready(options: WaitOptions = {}): Promise<void> {
    return this.#waitFor("a connection", options, (resolve, signal) => {
      if (this.#state === "open") return resolve();
      this.onState(({ state }) => { if (state === "open") resolve(); }, { signal });
    });
  }

  // --- speaking ----------------------------------------------------------------------------------

  /**
   * Sends a message to the hub: text as it is, bytes as a binary frame, other objects as JSON.
   * What was `sent` when a connection broke may be lost: it is not sent again.
   * @throws RelayError `queue_full` or `closed`; TypeError for anything else than the above
   */
  send(data: Sendable): SendResult {
    const wire = toWire(data);
    if (this.#state === "closed" || this.#closing) {
      throw new RelayError("closed", "send: the connection was closed");
    }
    if (this.#state === "open" && this.#socket?.readyState === READY.open) {
      this.#socket.send(wire);
      return "sent";
    }
    if (!this.#outbox) {
      throw new RelayError("queue_full", "send: not connected, and the queue is switched off");
    }
    return this.#outbox.push(wire) ? "queued" : "dropped";
  }

  /**
   * Ends the connection for good; a second call changes nothing.
   * @param reason  at most 123 bytes of UTF-8
   * @returns `closed`
   * @throws RangeError for a code that is neither 1000 nor 3000 to 4999, or a longer reason
   */
  close(code = 1000, reason = ""): Promise<CloseInfo> {
    checkClose(code, reason);
    if (this.#closing || this.#state === "closed") return this.closed;
    this.#closing = { code, reason };
    this.#stopTimers();
    if (this.#socket && this.#state === "open") {
      this.#timer = setTimeout(() => this.#lost(1006, "no closing handshake in time"),
        this.#options.closeTimeout ?? 2000);
      this.#socket.close(code, reason);
    } else {
      this.#lost(code, reason);
    }
    return this.closed;
  }

  // --- the life of a socket ----------------------------------------------------------------------

  async #attempt(): Promise<void> {
    clearTimeout(this.#timer);
    const attempt = ++this.#attempts;
    const isLate = () => attempt !== this.#attempts || this.#state !== "connecting";
    if (this.#state !== "connecting") this.#change({ state: "connecting" });
    if (isLate()) return; // a handler closed it
    const limit = this.#options.connectTimeout ?? 10_000;
    this.#timer = setTimeout(() => {
      this.#report("connect_timeout", `no connection within ${limit} ms`);
      this.#lost(1006, "no connection in time");
    }, limit);
    try {
      const url = typeof this.#url === "function" ? websocketUrl(await this.#url()) : this.#url;
      if (!isLate()) this.#watch(openSocket(this.#webSocket, url as string, this.#options));
    } catch (cause) {
      if (isLate()) return;
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#report("connect_failed", `no connection could be started: ${why}`, cause);
      this.#lost(1006, "");
    }
  }

  #watch(socket: SocketLike): void {
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }: { data: unknown }) => this.#received(data);
    socket.onclose = ({ code, reason, wasClean }: CloseEvent) => {
      if (this.#state === "connecting" && !this.#closing) this.#reportRefusal(socket);
      this.#lost(code, reason, wasClean);
    };
    socket.onerror = () => {}; // a close event follows and says as much
    socket.onalive = () => this.#heartbeat?.sign();
  }

  #opened(): void {
    clearTimeout(this.#timer);
    this.#openedAt = performance.now();
    this.#heartbeat?.start();
    this.#change({ state: "open" });
    while (this.#outbox?.length && this.#state === "open" && !this.#closing &&
           this.#socket?.readyState === READY.open) {
      this.#socket.send(this.#outbox.shift()!);
    }
  }

  #received(message: unknown): void {
    this.#heartbeat?.sign();
    let frame;
    try {
      frame = readFrame(message);
    } catch (error) {
      return this.#raise(error as RelayError);
    }
    const { topic, data } = frame;
    const failed = (cause: unknown) => this.#handlerFailed(`of topic "${topic}"`, cause);
    this.#topics.get(topic)?.call(failed, data, topic);
    this.#any.call(failed, topic, data);
  }

  // The only way out of a socket, an attempt or a delay: on to the next one, or to the end.
  #lost(code: number, reason: string, wasClean = false): void {
    if (this.#state === "closed") return;
    this.#stopTimers();
    this.#attempts += 1;
    const opened = this.#state === "open";
    if (opened) this.#backoff.lived(performance.now() - this.#openedAt);
    const refusal = this.#socket?.refusal;
    if (this.#socket) abandonSocket(this.#socket);
    this.#socket = undefined;
    const close: CloseInfo = {
      code, reason, opened,
      by: this.#closing ? "client" : wasClean ? "server" : "network",
      ...(refusal && { httpStatus: refusal.status, httpBody: refusal.body }),
    };
    if (this.#closing || !this.#mayRetry(close)) return this.#end(close);
    const retryIn = this.#backoff.next();
    this.#timer = setTimeout(() => this.#attempt(), retryIn);
    this.#change({ state: "waiting", close, retryIn });
  }

  #mayRetry(close: CloseInfo): boolean {
    const { reconnect = {} } = this.#options;
    if (reconnect === false) return false;
    if (this.#backoff.failures >= (reconnect.maxRetries ?? Infinity)) return false;
    try {
      return (reconnect.retry ?? shouldRetry)(close);
    } catch (cause) {
      this.#handlerFailed("reconnect.retry", cause);
      return false;
    }
  }

  #end(last: CloseInfo): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    globalThis.removeEventListener?.("online", this.#onOnline);
    const unsent = this.#outbox?.clear() ?? 0;
    const close = unsent > 0 ? { ...last, unsent } : last;
    this.#change({ state: "closed", close });
    this.#ended.resolve(close);
  }

  #stopTimers(): void {
    clearTimeout(this.#timer);
    this.#heartbeat?.stop();
  }

  // --- details -----------------------------------------------------------------------------------

  #change(change: Omit<StateChange, "previous">): void {
    const previous = this.#state;
    this.#state = change.state;
    this.#states.call((cause) => this.#handlerFailed("of state", cause), { ...change, previous });
  }

  #makeHeartbeat(options: HeartbeatOptions): Heartbeat {
    const { message } = options;
    if (message === undefined && !("ping" in this.#webSocket.prototype)) {
      throw new TypeError("heartbeat: a browser sends no pings; give a `message` that the hub " +
        "answers, or null to rely on what it sends by itself");
    }
    const probe = () => {
      if (message === null) return;
      try {
        if (message === undefined) this.#socket?.ping?.();
        else this.send(typeof message === "function" ? message() : message);
      } catch (cause) {
        this.#handlerFailed("heartbeat.message", cause);
      }
    };
    return new Heartbeat(options, probe, () => {
      this.#report("heartbeat_timeout", "the server has been silent for too long");
      this.#lost(1006, "heartbeat timeout");
    });
  }

  async #waitFor<T>(what: string, { timeout, signal }: WaitOptions,
                    begin: (resolve: (value: T) => void, signal: AbortSignal) => void): Promise<T> {
    const done = new AbortController();
    const expired = () => new RelayError("timeout", `no ${what} within ${timeout} ms`);
    try {
      return await bounded(() => new Promise<T>((resolve, reject) => {
        begin(resolve, done.signal);
        const ended = () =>
          reject(new RelayError("closed", `no ${what}: the connection has ended`));
        if (this.#state === "closed") ended();
        else this.onState(({ state }) => { if (state === "closed") ended(); }, done);
      }), { ms: timeout, signal, expired });
    } finally {
      done.abort();
    }
  }

  #reportRefusal({ refusal }: SocketLike): void {
    this.#report("connect_failed", refusal
      ? `the server refused the handshake: ${refusal.status} ${refusal.body}`.trimEnd()
      : "the connection could not be made");
  }

  #handlerFailed(which: string, cause: unknown): void {
    if (this.#errors.size === 0) return throwLater(cause);
    this.#report("handler_failed", `the handler ${which} threw`, cause);
  }

  #report(code: RelayError["code"], message: string, cause?: unknown): void {
    this.#raise(new RelayError(code, message, { cause }));
  }

  #raise(error: RelayError): void {
    if (this.#errors.size === 0) console.warn(`natterjack: ${error.message}`);
    else this.#errors.call(throwLater, error);
  }
}
