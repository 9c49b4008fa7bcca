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
import { checkCall, readId, readStatus } from "./read.js";
import { CONNECT_TIMEOUT_MS, MAX_WAIT_MS, Sequence, } from "./session.js";
const BODY_CHARACTERS_MAX = 1024;
export class RestSession {
    #base;
    #headers;
    #call;
    #options;
    #input = new Sequence();
    #created = new Deferred();
    #gone = new AbortController();
    #phase = "new";
    #result;
    #asking;
    #isInputClosed = false;
    /** @throws TypeError for a wrong URL or call */
    constructor(remote, call, options = {}) {
        this.#base = absoluteUrl(remote.url);
        if (!/^https?:$/.test(this.#base.protocol)) {
            throw new TypeError(`url: "${remote.url}" is neither http: nor https:`);
        }
        this.#headers = { ...remote.headers };
        this.#call = JSON.stringify(checkCall(call));
        this.#options = options;
    }
    /** The id the server gave this process; undefined before connect() is done. */
    id;
    connect({ timeout = CONNECT_TIMEOUT_MS, signal } = {}) {
        if (this.#phase !== "new")
            return handled(Promise.reject(errAlreadyConnected));
        this.#phase = "running";
        const create = async () => {
            try {
                const headers = { "content-type": "application/json" };
                const id = readId(await this.#request("POST", "new", timeout, this.#call, headers, signal));
                this.id = id;
                this.#created.resolve(id);
            }
            catch (error) {
                this.#phase = "ended";
                this.#created.reject(error);
                throw error;
            }
        };
        return handled(create());
    }
    /** Polls until the process has ended. A failed poll rejects; waiting again goes on. */
    wait(options = {}) {
        const { maxWait = MAX_WAIT_MS, signal } = options;
        const poll = async (stop) => {
            for (;;) {
                const { result } = await this.status();
                if (result.status !== "pending")
                    return result;
                await sleep(this.#pollInterval(options), stop);
            }
        };
        if (this.#phase === "new")
            return handled(Promise.reject(errNotConnected));
        if (this.#result)
            return Promise.resolve(this.#result);
        const bound = { ms: maxWait, signal: this.#either(signal), expired: () => errWaitExceeded };
        return handled(bounded(poll, bound));
    }
    /**
     * One look at the process: whether it has ended, and the last lines of its output.
     * @throws errNotConnected before connect(); PowError `unexpected_status` with status 404 once the
     *   server has dropped the process
     */
    status() {
        if (this.#phase === "new")
            return handled(Promise.reject(errNotConnected));
        const ask = async () => {
            try {
                const status = readStatus(await this.#requestFor("GET", "status"));
                if (status.result.status !== "pending") {
                    this.#result = status.result;
                    this.#phase = "ended";
                }
                return status;
            }
            finally {
                this.#asking = undefined;
            }
        };
        return this.#asking ??= handled(ask());
    }
    sendText(text) {
        if (this.#isInputClosed && this.#phase === "running")
            return Promise.resolve();
        const body = this.#options.appendNewline === false ? text : `${text}\n`;
        return this.#whileRunning(() => this.#input.run(() => this.#tell("input", body)));
    }
    closeInput() {
        if (this.#phase === "running") {
            if (this.#isInputClosed)
                return Promise.resolve();
            this.#isInputClosed = true;
        }
        return this.#whileRunning(() => this.#input.run(() => this.#tell("closeInput")));
    }
    cancel() {
        return this.#whileRunning(() => this.#tell("cancel"));
    }
    /** Ends every request of this session. The process itself is left to the server. */
    close() {
        const why = new PowError("closed", "the session was closed");
        if (this.#phase !== "ended")
            this.#phase = "ended";
        this.#created.reject(why);
        this.#gone.abort(why);
    }
    /**
     * The output in whole lines, as polling shows them, a newline behind each. More lines than the
     * server keeps (1000) between two looks lose some; over a websocket nothing is lost.
     */
    async *[Symbol.asyncIterator]() {
        await this.#created.promise;
        for (let before = [];;) {
            const { result, buffer } = await this.status();
            const now = linesOf(buffer);
            const added = addedLines(before, now);
            before = now;
            if (added.length > 0)
                yield `${added.join("\n")}\n`;
            if (result.status !== "pending")
                return;
            await sleep(this.#pollInterval(), this.#gone.signal);
        }
    }
    // --- requests ----------------------------------------------------------------------------------
    #pollInterval({ pollInterval } = {}) {
        return pollInterval ?? this.#options.pollInterval ?? 500;
    }
    #whileRunning(act) {
        return handled(this.#phase === "running" ? act() : Promise.reject(errNotConnected));
    }
    async #tell(route, body = "") {
        await this.#requestFor("POST", route, body);
    }
    async #requestFor(method, route, body) {
        const id = await this.#created.promise;
        const headers = body === undefined ? {} : { "content-type": "text/plain;charset=utf-8" };
        const limit = this.#options.requestTimeout ?? 30_000;
        return this.#request(method, `${route}/${encodeURIComponent(id)}`, limit, body, headers);
    }
    #request(method, route, limit, body, headers = {}, signal) {
        const url = new URL(this.#base);
        url.pathname = `${url.pathname.replace(/\/+$/, "")}/${route}`;
        url.hash = "";
        const expired = () => new PowError("timeout", `${method} ${route}: no answer within ${limit} ms`);
        const ask = async (stop) => {
            const answer = await this.#fetch(url, {
                method, headers: { ...headers, ...this.#headers }, signal: stop,
                ...(body !== undefined && { body }),
            });
            const text = await answer.text();
            if (answer.status === 200)
                return text;
            const excerpt = text.slice(0, BODY_CHARACTERS_MAX).trimEnd();
            throw new PowError("unexpected_status", `${method} ${route}: ${answer.status} ${excerpt}`, { status: answer.status, body: text.slice(0, BODY_CHARACTERS_MAX) });
        };
        return bounded(ask, { ms: limit, signal: this.#either(signal), expired });
    }
    async #fetch(url, request) {
        try {
            // Not as a method of the options: a browser's fetch insists on its own `this`.
            const { fetch: call = globalThis.fetch } = this.#options;
            return await call(url, request);
        }
        catch (cause) {
            if (request.signal?.aborted)
                throw request.signal.reason;
            throw new PowError("connect_failed", `no answer from ${url.origin}`, { cause });
        }
    }
    // The caller's signal, or this session's own.
    #either(signal) {
        return signal ? AbortSignal.any([signal, this.#gone.signal]) : this.#gone.signal;
    }
}
