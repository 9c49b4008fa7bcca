// A small server of process jobs, written from the description of the protocol: what the sessions
// are tested with besides the real one, as it also does what a good server never would.
//
//   process        does
//   echo           input to output; at its end the arguments as value, or the cause as error
//   count N        N lines of output, then the value N
//   fail           the error "it went wrong"
//   partial        output "no newline", then the value null
//   flood N SIZE   N messages of SIZE characters, as fast as the socket takes them
//   misbehave HOW  over a websocket ends in a way the protocol does not know, see `misdeeds`
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { WebSocketServer } from "ws";

const CALL_MS_MAX = 20_000; // a client that is held up for a second has not failed to call
const MESSAGE_BYTES_MAX = 2048;
const LINES_MAX = 1000;

const misdeeds = {
  "no result": (socket) => socket.close(1000),
  "code": (socket) => socket.close(1011),
  "reason": (socket, finish) => { finish(); socket.close(1000, "bye"); },
  "code behind the result": (socket, finish) => { finish(); socket.close(3001); },
  "cut": (socket) => socket.terminate(),
  "no close": (_socket, finish) => finish(),
  "nonsense": (socket) => socket.send(Buffer.from('{"status":"lost"}')),
  "two results": (socket, finish) => {
    finish();
    socket.send(Buffer.from('{"status":"rejected","reason":"second"}'));
    socket.send("late output");
    socket.close(1000);
  },
};

/** One run of a process: `write` takes its output, `done` its Result; both transports share it. */
class Job {
  input = "";
  cause;
  #isInputClosed = false;

  constructor({ call, params }, write, done) {
    this.write = write;
    this.params = params ?? null;
    this.call = call;
    this.finish = (status, value) => {
      this.finish = () => {};
      done(status === "fulfilled" ? { status, value } : { status, reason: value });
    };
    setImmediate(() => this.#run());
  }

  #run() {
    const [first, second] = this.params ?? [];
    if (this.call === "count") {
      for (let line = 0; line < Number(first); line += 1) this.write(`line ${line}\n`);
      this.finish("fulfilled", Number(first));
    } else if (this.call === "fail") {
      this.finish("rejected", "it went wrong");
    } else if (this.call === "partial") {
      this.write("no newline");
      this.finish("fulfilled", null);
    } else if (this.call === "flood") {
      this.#flood(Number(first), Number(second));
    }
  }

  async #flood(count, size) {
    for (let i = 0; i < count; i += 1) await this.write("x".repeat(size));
    this.finish("fulfilled", count);
  }

  take(text) {
    if (this.#isInputClosed || this.call !== "echo") return;
    this.write(text);
  }

  closeInput() {
    if (this.#isInputClosed || this.call !== "echo") return;
    this.#isInputClosed = true;
    if (this.cause) this.finish("rejected", this.cause);
    else this.finish("fulfilled", this.params);
  }

  cancel(cause = "client requested cancellation") {
    if (this.cause) this.closeInput();
    else this.cause = cause;
  }
}

const KNOWN = new Set(["echo", "count", "fail", "partial", "flood", "misbehave"]);

function serveWebsocket(socket, log) {
  let job;
  const finish = (result) => {
    if (result.status === "rejected" && job) result.reason = `process returned error: ${result.reason}`;
    socket.send(Buffer.from(JSON.stringify(result)), { binary: true });
  };
  const end = (result) => { finish(result); socket.close(1000); };
  const timer = setTimeout(() => end({ status: "rejected", reason: "timeout expired" }), CALL_MS_MAX);
  socket.on("close", (code) => {
    clearTimeout(timer);
    log.push(`closed ${code}`);
  });
  socket.on("message", (data, isBinary) => {
    log.push(isBinary ? JSON.parse(data) : data.length);
    if (!isBinary) return job?.take(data.toString());
    const message = JSON.parse(data);
    if (job) {
      if (message.signal === "close") job.closeInput();
      if (message.signal === "cancel") job.cancel();
      return;
    }
    clearTimeout(timer);
    if (!KNOWN.has(message.call)) {
      return end({ status: "rejected", reason: "failed to get process: unknown process" });
    }
    const write = (text) => new Promise((resolve) => {
      socket.send(text, resolve);
      if (socket.readyState !== socket.OPEN) resolve();
    });
    if (message.call === "misbehave") {
      job = { take() {}, closeInput() {}, cancel() {} };
      return misdeeds[message.params[0]](socket, () => finish({ status: "fulfilled", value: "done" }));
    }
    job = new Job(message, write, end);
  });
}

class Store {
  #lines = [];
  #rest = "";

  write = (text) => {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    this.#lines = [...this.#lines, ...lines.map((line) => line.replace(/\r$/, ""))].slice(-LINES_MAX);
  };

  buffer(hasEnded) {
    return [...this.#lines, ...(hasEnded && this.#rest ? [this.#rest] : [])].join("\n");
  }
}

function serveRest(base, log) {
  const sessions = new Map();
  const create = (body) => {
    const call = JSON.parse(body);
    const store = new Store();
    const session = { store, result: { status: "pending" } };
    const done = (result) => { session.result = result; };
    if (KNOWN.has(call.call)) session.job = new Job(call, store.write, done);
    else done({ status: "rejected", reason: "failed to get process: unknown process" });
    const id = randomUUID();
    sessions.set(id, session);
    return `${JSON.stringify(id)}\n`;
  };
  const routes = {
    "GET status": ({ store, result }) => {
      const buffer = store.buffer(result.status !== "pending");
      return `${JSON.stringify({ ...(buffer && { buffer }), result })}\n`;
    },
    "POST input": ({ job, result }, body) => {
      if (!job || result.status !== "pending") return 500;
      job.take(body);
      return "input sent";
    },
    "POST closeInput": ({ job }) => { job?.closeInput(); return "input closed"; },
    "POST cancel": ({ job }) => { job?.cancel(); job?.closeInput(); return "process cancelled"; },
  };
  return async (request, response) => {
    const answer = (status, text) => response.writeHead(status).end(text);
    const path = new URL(request.url, "http://h").pathname;
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    log.push({ method: request.method, url: request.url, headers: request.headers, body });
    if (!path.startsWith(base)) return answer(404, "404 page not found\n");
    const [route, id] = path.slice(base.length).split("/");
    if (`${request.method} ${route}` === "POST new") {
      try {
        return answer(200, create(body));
      } catch {
        return answer(400, "failed to decode call message\n");
      }
    }
    const session = sessions.get(decodeURIComponent(id ?? ""));
    const serve = routes[`${request.method} ${route}`];
    if (!serve) return answer(404, "404 page not found\n");
    if (!session) return answer(404, "process not found\n");
    const text = serve(session, body);
    return text === 500 ? answer(500, "error copying data to process\n") : answer(200, text);
  };
}

/**
 * Starts it on a free port. `log` holds what came in: over a websocket messages (the length of
 * text, the value of binary ones) and closes, over REST whole requests.
 */
export async function startPowServer({ base = "/" } = {}) {
  const log = [];
  const server = http.createServer(serveRest(base, log));
  const sockets = new WebSocketServer({
    server,
    maxPayload: MESSAGE_BYTES_MAX,
    handleProtocols: (offered) => offered.has("pow-1") && "pow-1",
    verifyClient: ({ req }, answer) => {
      log.push({ url: req.url, headers: req.headers });
      if (req.headers["sec-websocket-protocol"]?.split(/, */).includes("pow-1")) answer(true);
      else answer(false, 403, "client does not support required pow-1 subprotocol\n");
    },
  });
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    serveWebsocket(socket, log);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return {
    log,
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
