// A process over the REST API: it lives by itself, and the server drops it 60 s after its last use.
//
//   connect     POST new              the call          -> id
//   status      GET  status/{id}      also by wait() and by iterating over the output, each poll
//   sendText    POST input/{id}       the text and a newline; one request at a time, in order
//   closeInput  POST closeInput/{id}  behind the input
//   cancel      POST cancel/{id}      at once

import { bounded, Deferred, handled, sleep } from "../bounded.js";
import { absoluteUrl } from "../socket.js";
import { errAlreadyConnected, errNotConnected, errWaitExceeded, PowError } from "./errors.js";
import { addedLines, linesOf } from "./lines.js";
import type { Call, Result, Status } from "./messages.js";
import { checkCall, readId, readStatus } from "./read.js";
import {
  CONNECT_TIMEOUT_MS, MAX_WAIT_MS, Sequence,
  type ConnectOptions, type Remote, type Session, type SessionWaitOptions,
} from "./session.js";

const BODY_CHARACTERS_MAX = 1024;

export interface RestSessionOptions {
  /** Used in place of the global one. */
  fetch?: typeof fetch;
  /** From one look at the process to the next, in ms. Default 500; the server wants one in 60 s. */
  pollInterval?: number;
  /** For one request, in ms. Default 30,000. A process that does not read its input takes long. */
  requestTimeout?: number;
  /** Whether sendText() adds a newline. Default true. */
  appendNewline?: boolean;
}

export interface RestWaitOptions extends SessionWaitOptions {
  /** In place of the session's own. */
  pollInterval?: number;
}

export class RestSession implements Session {
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #call: string;
  readonly #options: RestSessionOptions;
  readonly #input = new Sequence();
  readonly #created = new Deferred<string>();
  readonly #gone = new AbortController();

  #phase: "new" | "running" | "ended" = "new";
  #result: Result | undefined;
  #asking: Promise<Status> | undefined;
  #isInputClosed = false;

  /** @throws TypeError for a wrong URL or call */
  constructor(remote: Remote, call: Call, options: RestSessionOptions = {}) {
    this.#base = absoluteUrl(remote.url);
    if (!/^https?:$/.test(this.#base.protocol)) {
      throw new TypeError(`url: "${remote.url}" is neither http: nor https:`);
    }
    this.#headers = { ...remote.headers };
    this.#call = JSON.stringify(checkCall(call));
    this.#options = options;
  }

  /** The id the server gave this process; undefined before connect() is done. */
  id: string | undefined;

  connect({ timeout = CONNECT_TIMEOUT_MS, signal }: ConnectOptions = {}): Promise<void> {
    if (this.#phase !== "new") return handled(Promise.reject(errAlreadyConnected));
    this.#phase = "running";
    const create = async () => {
      try {
        const headers = { "content-type": "application/json" };
        const id = readId(await this.#request("POST", "new", timeout, this.#call, headers, signal));
        this.id = id;
        this.#created.resolve(id);
      } catch (error) {
        this.#phase = "ended";
        this.#created.reject(error);
        throw error;
      }
    };
    return handled(create());
  }

  /** Polls until the process has ended. A failed poll rejects; waiting again goes on. */
  wait(options: RestWaitOptions = {}): Promise<Result> {
    const { maxWait = MAX_WAIT_MS, signal } = options;
    const poll = async (stop: AbortSignal) => {
      for (;;) {
        const { result } = await this.status();
        if (result.status !== "pending") return result;
        await sleep(this.#pollInterval(options), stop);
      }
    };
    if (this.#phase === "new") return handled(Promise.reject(errNotConnected));
    if (this.#result) return Promise.resolve(this.#result);
    const bound = { ms: maxWait, signal: this.#either(signal), expired: () => errWaitExceeded };
    return handled(bounded(poll, bound));
  }

  /**
   * One look at the process: whether it has ended, and the last lines of its output.
   * @throws errNotConnected before connect(); PowError `unexpected_status` with status 404 once the
   *   server has dropped the process
   */
  status(): Promise<Status> {
    if (this.#phase === "new") return handled(Promise.reject(errNotConnected));
    const ask = async () => {
      try {
        const status = readStatus(await this.#requestFor("GET", "status"));
        if (status.result.status !== "pending") {
          this.#result = status.result;
          this.#phase = "ended";
        }
        return status;
      } finally {
        this.#asking = undefined;
      }
    };
    return this.#asking ??= handled(ask());
  }

  sendText(text: string): Promise<void> {
    if (this.#isInputClosed && this.#phase === "running") return Promise.resolve();
    const body = this.#options.appendNewline === false ? text : `${text}\n`;
    return this.#whileRunning(() => this.#input.run(() => this.#tell("input", body)));
  }

  closeInput(): Promise<void> {
    if (this.#phase === "running") {
      if (this.#isInputClosed) return Promise.resolve();
      this.#isInputClosed = true;
    }
    return this.#whileRunning(() => this.#input.run(() => this.#tell("closeInput")));
  }

  cancel(): Promise<void> {
    return this.#whileRunning(() => this.#tell("cancel"));
  }

  /** Ends every request of this session. The process itself is left to the server. */
  close(): void {
    const why = new PowError("closed", "the session was closed");
    if (this.#phase !== "ended") this.#phase = "ended";
    this.#created.reject(why);
    this.#gone.abort(why);
  }

  /**
   * The output in whole lines, as polling shows them, a newline behind each. More lines than the
   * server keeps (1000) between two looks lose some; over a websocket nothing is lost.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    await this.#created.promise;
    for (let before: string[] = [];;) {
      const { result, buffer } = await this.status();
      const now = linesOf(buffer);
      const added = addedLines(before, now);
      before = now;
      if (added.length > 0) yield `${added.join("\n")}\n`;
      if (result.status !== "pending") return;
      await sleep(this.#pollInterval(), this.#gone.signal);
    }
  }

  // --- requests ----------------------------------------------------------------------------------

  #pollInterval({ pollInterval }: RestWaitOptions = {}): number {
    return pollInterval ?? this.#options.pollInterval ?? 500;
  }

  #whileRunning(act: () => Promise<void>): Promise<void> {
    return handled(this.#phase === "running" ? act() : Promise.reject(errNotConnected));
  }

  async #tell(route: string, body = ""): Promise<void> {
    await this.#requestFor("POST", route, body);
  }

  async #requestFor(method: string, route: string, body?: string): Promise<string> {
    const id = await this.#created.promise;
    const headers = body === undefined ? {} : { "content-type": "text/plain;charset=utf-8" };
    const limit = this.#options.requestTimeout ?? 30_000;
    return this.#request(method, `${route}/${encodeURIComponent(id)}`, limit, body, headers);
  }

  #request(method: string, route: string, limit: number, body?: string,
           headers: Record<string, string> = {}, signal?: AbortSignal): Promise<string> {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/${route}`;
    url.hash = "";
    const expired = () =>
      new PowError("timeout", `${method} ${route}: no answer within ${limit} ms`);
    const ask = async (stop: AbortSignal) => {
      const answer = await this.#fetch(url, {
        method, headers: { ...headers, ...this.#headers }, signal: stop,
        ...(body !== undefined && { body }),
      });
      const text = await answer.text();
      if (answer.status === 200) return text;
      const excerpt = text.slice(0, BODY_CHARACTERS_MAX).trimEnd();
      throw new PowError("unexpected_status", `${method} ${route}: ${answer.status} ${excerpt}`,
        { status: answer.status, body: text.slice(0, BODY_CHARACTERS_MAX) });
    };
    return bounded(ask, { ms: limit, signal: this.#either(signal), expired });
  }

  async #fetch(url: URL, request: RequestInit): Promise<Response> {
    try {
      // Not as a method of the options: a browser's fetch insists on its own `this`.
      const { fetch: call = globalThis.fetch } = this.#options;
      return await call(url, request);
    } catch (cause) {
      if (request.signal?.aborted) throw request.signal.reason;
      throw new PowError("connect_failed", `no answer from ${url.origin}`, { cause });
    }
  }

  // The caller's signal, or this session's own.
  #either(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#gone.signal]) : this.#gone.signal;
  }
}
