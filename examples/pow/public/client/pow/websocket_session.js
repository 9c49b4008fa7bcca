// A process over a websocket: it lives as long as its connection.
//
//   to the server                          from the server
//   binary  {"call", "params"}, first      text    output, as the process writes it
//   text    input                          binary  the result, once
//   binary  {"signal": "close"|"cancel"}   close   1000, empty reason, right after the result
import { bounded, Deferred, handled, sleep, throwLater } from "../bounded.js";
import { abandonSocket, chooseWebSocket, openSocket, READY, websocketUrl, } from "../socket.js";
import { errAlreadyConnected, errNotConnected, errWaitExceeded, PowError } from "./errors.js";
import { Output } from "./output.js";
import { pieces } from "./pieces.js";
import { checkCall, readResult } from "./read.js";
import { CONNECT_TIMEOUT_MS, MAX_WAIT_MS, Sequence, } from "./session.js";
const SUBPROTOCOL = "pow-1";
const DRAIN_LOOK_MS = 10;
const BUFFERED_BYTES_MAX = 1 << 16;
export class WebsocketSession {
    /** Gets every text message: a piece of output, not necessarily a line. */
    onLogLine;
    /** Called when the socket is open, before the call is sent. */
    beforeCall;
    /** Called with the result. */
    afterCall;
    /** Called with what wait() is rejected with. */
    onError;
    #remote;
    #call;
    #options;
    #messageBytes;
    #output;
    #input = new Sequence();
    #opened = new Deferred();
    #ended = new Deferred();
    #phase = "new";
    #socket;
    #result;
    #isInputClosed = false;
    #closeTimer;
    /** @throws TypeError for a wrong URL or call, RangeError for a wrong option */
    constructor(remote, call, options = {}) {
        this.#remote = { ...remote, url: websocketUrl(remote.url) };
        this.#call = new TextEncoder().encode(JSON.stringify(checkCall(call)));
        this.#options = options;
        this.#messageBytes = options.messageBytes ?? 2048;
        if (!(this.#messageBytes >= 4)) {
            throw new RangeError(`messageBytes: ${this.#messageBytes} is less than 4, one character`);
        }
        this.#output = new Output(options.outputLimit ?? 1 << 20, { pause: (isPaused) => this.#pause(isPaused) });
    }
    connect({ timeout = CONNECT_TIMEOUT_MS, signal } = {}) {
        if (this.#phase !== "new")
            return handled(Promise.reject(errAlreadyConnected));
        this.#phase = "connecting";
        const expired = () => new PowError("timeout", `no connection within ${timeout} ms`);
        const begin = () => { this.#open(); return this.#opened.promise; };
        return handled(bounded(begin, { ms: timeout, signal, expired }).catch((error) => {
            this.#fail(error);
            throw error;
        }));
    }
    wait({ maxWait = MAX_WAIT_MS, signal } = {}) {
        if (this.#phase === "new")
            return handled(Promise.reject(errNotConnected));
        const bound = { ms: maxWait, signal, expired: () => errWaitExceeded };
        return handled(bounded(() => this.#ended.promise, bound));
    }
    /** Resolves when the socket has room again, so that awaiting it keeps to the server's pace. */
    sendText(text) {
        if (this.#isInputClosed && this.#isUsable())
            return Promise.resolve();
        return this.#whenOpen(() => this.#input.run(async () => {
            for (const piece of pieces(text, this.#messageBytes)) {
                this.#send(piece);
                await this.#drained();
            }
        }));
    }
    closeInput() {
        if (this.#isInputClosed && this.#isUsable())
            return Promise.resolve();
        this.#isInputClosed = this.#isUsable();
        return this.#whenOpen(() => this.#input.run(() => this.#signal("close")));
    }
    cancel() {
        return this.#whenOpen(() => this.#signal("cancel"));
    }
    /** Hangs up, whereupon the server cancels the process. */
    close() {
        const error = new PowError("closed", "the session was closed before its process had ended");
        this.#fail(error, this.#closeTimeout());
    }
    /** The output, message by message, until the process has ended. */
    [Symbol.asyncIterator]() {
        return this.#output.read();
    }
    // --- the socket --------------------------------------------------------------------------------
    #open() {
        if (this.#call.length > this.#messageBytes) {
            throw new PowError("call_too_big", `the call has ${this.#call.length} bytes, the server ` +
                `takes ${this.#messageBytes} (option messageBytes)`);
        }
        const options = { ...this.#options, headers: this.#remote.headers ?? {} };
        const socket = this.#socket = openSocket(chooseWebSocket(options), this.#remote.url, options, SUBPROTOCOL);
        socket.onopen = () => this.#start(socket);
        socket.onmessage = ({ data }) => this.#received(data);
        socket.onclose = (event) => this.#closed(event);
        socket.onerror = () => { }; // a close event follows
    }
    #start(socket) {
        if (socket.protocol !== SUBPROTOCOL) {
            return this.#fail(new PowError("connect_failed", `the server chose the subprotocol "${socket.protocol}" instead of ${SUBPROTOCOL}`));
        }
        this.#guard(() => this.beforeCall?.());
        if (this.#phase !== "connecting")
            return; // beforeCall closed it
        this.#phase = "running";
        socket.send(this.#call);
        this.#opened.resolve();
    }
    #received(data) {
        if (this.#result)
            return; // nothing counts after the result
        if (typeof data === "string") {
            this.#guard(() => this.onLogLine?.(data));
            if (this.#phase === "running")
                this.#output.push(data);
            return;
        }
        try {
            this.#result = readResult(new TextDecoder().decode(data));
        }
        catch (error) {
            return this.#fail(error);
        }
        this.#pause(false); // a reader that is behind holds up output, but nothing else is to come
        this.#closeTimer = setTimeout(() => this.#hurryClose(), this.#closeTimeout());
    }
    // The server should have closed after the result, and one that does not must not hold it back for
    // ever. Node can hang up. A browser that has the server's close frame ends the rest by itself.
    #hurryClose() {
        const socket = this.#socket;
        if (socket.terminate)
            return socket.terminate();
        const broken = () => this.#closed({ wasClean: false, code: 1006, reason: "" });
        this.#closeTimer = setTimeout(broken, 10 * this.#closeTimeout());
        if (socket.readyState !== READY.open)
            return;
        socket.onclose = broken; // no close frame came
        socket.close();
    }
    #closed({ code, reason, wasClean }) {
        const result = this.#result;
        if (this.#phase === "connecting")
            return this.#fail(this.#refused());
        const fault = (kind, what) => this.#fail(new PowError(kind, what, { result }));
        if (!wasClean)
            return fault("unclean_exit", `the connection broke (code ${code})`);
        const told = reason === "" ? `code ${code}` : `code ${code}, reason "${reason}"`;
        if (code !== 1000)
            return fault("unexpected_exit", `the server closed with ${told}`);
        if (reason !== "")
            return fault("unexpected_reason", `the server closed with ${told}`);
        if (!result)
            return fault("no_result", "the server closed without a result");
        if (!this.#end())
            return;
        this.#ended.resolve(result);
        this.#output.end({});
        this.#guard(() => this.afterCall?.(result));
    }
    #refused() {
        const refusal = this.#socket?.refusal;
        return refusal
            ? new PowError("connect_failed", `the server refused the handshake: ${refusal.status} ${refusal.body}`.trimEnd(), { ...refusal })
            : new PowError("connect_failed", `no connection to ${this.#remote.url}`);
    }
    // --- details -----------------------------------------------------------------------------------
    #isUsable() {
        return this.#phase === "connecting" || this.#phase === "running";
    }
    #whenOpen(act) {
        if (!this.#isUsable())
            return handled(Promise.reject(errNotConnected));
        return handled(this.#opened.promise.then(act));
    }
    #signal(signal) {
        this.#send(new TextEncoder().encode(JSON.stringify({ signal })));
    }
    #send(data) {
        if (this.#phase !== "running" || this.#result || this.#socket?.readyState !== READY.open) {
            throw errNotConnected;
        }
        this.#socket.send(data);
    }
    async #drained() {
        while (this.#phase === "running" && this.#socket.bufferedAmount > BUFFERED_BYTES_MAX) {
            await sleep(DRAIN_LOOK_MS);
        }
    }
    #pause(isPaused) {
        if (!this.#socket?.pause || !this.#socket.resume)
            return false;
        if (isPaused)
            this.#socket.pause();
        else
            this.#socket.resume();
        return true;
    }
    #closeTimeout() {
        return this.#options.closeTimeout ?? 500;
    }
    /** @returns false if the session had ended before */
    #end(graceMs = 0) {
        if (this.#phase === "ended")
            return false;
        this.#phase = "ended";
        clearTimeout(this.#closeTimer);
        if (this.#socket)
            abandonSocket(this.#socket, graceMs);
        return true;
    }
    #fail(error, graceMs = 0) {
        if (!this.#end(graceMs))
            return;
        this.#opened.reject(error);
        this.#ended.reject(error);
        this.#output.end({ error });
        this.#guard(() => this.onError?.(error));
    }
    // A hook that throws is the application's error, and no reason to lose the session.
    #guard(hook) {
        try {
            hook();
        }
        catch (error) {
            throwLater(error);
        }
    }
}
