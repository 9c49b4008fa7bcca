// Sessions of process jobs against the small server of pow_server.mjs.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, it } from "node:test";
import { PowError, RestSession, WebsocketSession } from "natterjack-client/pow";
import { collect, sessionCases } from "./pow_cases.mjs";
import { startPowServer } from "./pow_server.mjs";
import { noUnhandledRejections, startWebsocketServer, until, within } from "./support.mjs";

noUnhandledRejections();

let server;
before(async () => { server = await startPowServer(); });
after(() => server.stop());

const url = () => `${server.origin}/`;
const overSocket = (call, params, options) => new WebsocketSession({ url: url() }, { call, params }, options);
const overRest = (call, params, options) =>
  new RestSession({ url: url() }, { call, params }, { pollInterval: 5, ...options });

/** A TCP server that accepts and says nothing. */
async function startMute() {
  const mute = net.createServer().listen(0, "127.0.0.1");
  await once(mute, "listening");
  return { url: `http://127.0.0.1:${mute.address().port}/`, stop: () => mute.close() };
}

sessionCases(url);

describe("over a websocket", () => {
  it("hooks are called, also the one behind the call", async () => {
    const calls = [];
    const session = overSocket("count", ["2"]);
    session.beforeCall = () => calls.push("before");
    session.onLogLine = (text) => calls.push(text);
    session.afterCall = (result) => calls.push(result);
    await session.connect();
    await session.wait();
    assert.deepEqual(calls, ["before", "line 0\n", "line 1\n", { status: "fulfilled", value: 2 }]);
  });

  it("a failed process is a result, not an error", async () => {
    const session = overSocket("fail", []);
    await session.connect();
    assert.deepEqual(await session.wait(),
      { status: "rejected", reason: "process returned error: it went wrong" });
  });

  it("input is cut to the size of a message, and may be larger where the server says so", async () => {
    const session = overSocket("echo", []);
    await session.connect();
    const from = server.log.length;
    await session.sendText("x".repeat(5000));
    await session.closeInput();
    await session.wait();
    assert.deepEqual(server.log.slice(from).filter(Number.isInteger), [2048, 2048, 904]);
    const larger = overSocket("echo", [], { messageBytes: 4096 });
    await larger.connect();
    await larger.sendText("x".repeat(3000)); // more than this server takes
    await assert.rejects(within(larger.wait(), "the end"), /closed with code 1009/);
    assert.throws(() => overSocket("echo", [], { messageBytes: 3 }), RangeError);
  });

  it("a call that does not fit is refused before it is sent", async () => {
    const session = overSocket("echo", ["x".repeat(3000)]);
    await assert.rejects(session.connect(), { code: "call_too_big" });
    await assert.rejects(session.wait(), { code: "call_too_big" });
  });

  it("text goes through empty, as nothing", async () => {
    const session = overSocket("echo", []);
    const from = server.log.length;
    await session.connect();
    await session.sendText("");
    await session.closeInput();
    await session.wait();
    const [, call, signal] = server.log.slice(from);
    assert.deepEqual([call, signal], [{ call: "echo", params: [] }, { signal: "close" }]);
  });

  for (const [how, code] of [
    ["no result", "no_result"], ["code", "unexpected_exit"], ["reason", "unexpected_reason"],
    ["code behind the result", "unexpected_exit"], ["cut", "unclean_exit"],
    ["nonsense", "malformed_answer"], ["no close", "unclean_exit"],
  ]) {
    it(`wait() is rejected for an end like this: ${how}`, async () => {
      const errors = [];
      const session = overSocket("misbehave", [how], { closeTimeout: how === "no close" ? 30 : 10_000 });
      session.onError = (error) => errors.push(error);
      const output = collect(session);
      await session.connect();
      const failure = await within(session.wait().then(() => assert.fail("no failure"), (e) => e), "it");
      assert.ok(failure instanceof PowError);
      assert.equal(failure.code, code);
      await assert.rejects(output, { code });
      assert.deepEqual(errors, [failure]);
      const hadResult = ["reason", "code behind the result", "no close"].includes(how);
      assert.deepEqual(failure.result, hadResult ? { status: "fulfilled", value: "done" } : undefined);
    });
  }

  it("nothing counts behind the result", async () => {
    const session = overSocket("misbehave", ["two results"]);
    const output = collect(session);
    await session.connect();
    assert.deepEqual(await within(session.wait(), "the result"), { status: "fulfilled", value: "done" });
    assert.equal(await output, "");
  });

  it("a refused handshake is told with status and text", async () => {
    const refusing = await startWebsocketServer(() => {}, {
      verifyClient: (_info, answer) => answer(false, 403, "not you\n"),
    });
    const session = new WebsocketSession({ url: refusing.url }, { call: "echo" });
    await assert.rejects(session.connect(), (error) => error.code === "connect_failed" &&
      error.status === 403 && /refused the handshake: 403 not you/.test(error.message));
    await refusing.stop();
  });

  it("a server without the subprotocol is none", async () => {
    const other = await startWebsocketServer(() => {}, { handleProtocols: () => false });
    const session = new WebsocketSession({ url: other.url }, { call: "echo" });
    await assert.rejects(session.connect(), { code: "connect_failed" });
    await other.stop();
  });

  it("connecting has an end", async () => {
    const mute = await startMute();
    const session = new WebsocketSession({ url: mute.url }, { call: "echo" });
    await assert.rejects(session.connect({ timeout: 20 }), { code: "timeout" });
    await assert.rejects(session.wait(), { code: "timeout" });
    mute.stop();
  });

  it("close() hangs up with a close frame", async () => {
    const session = overSocket("echo", []);
    await session.connect();
    const from = server.log.length;
    session.close();
    await until(() => server.log.slice(from).includes("closed 1000"), "the close at the server");
  });

  it("a slow reader slows the process down and loses nothing", async () => {
    const session = overSocket("flood", ["300", "10000"], { outputLimit: 50_000 });
    await session.connect();
    let size = 0;
    for await (const text of session) {
      size += text.length;
      if (size < 500_000) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(size, 3_000_000);
    assert.deepEqual(await within(session.wait(), "the result"), { status: "fulfilled", value: 300 });
  });

  it("the result does not wait for a reader that is behind", async () => {
    const session = overSocket("flood", ["20", "1000"], { outputLimit: 5000 });
    const output = session[Symbol.asyncIterator]();
    const first = output.next();
    await session.connect();
    await first;
    let size = 1000;
    // Nothing is read before the process has had time to end.
    await new Promise((resolve) => setTimeout(resolve, 100));
    for await (const text of output) size += text.length;
    assert.equal(size, 20_000);
    assert.equal((await within(session.wait(), "the result")).value, 20);
  });

  it("headers are sent with the handshake", async () => {
    const session = new WebsocketSession({ url: url(), headers: { "x-token": "toad" } }, { call: "fail" });
    await session.connect();
    await session.wait();
    assert.equal(server.log.findLast(({ headers }) => headers).headers["x-token"], "toad");
  });
});

describe("over REST", () => {
  it("a status shows the last lines, and the unfinished one once the process has ended", async () => {
    const session = overRest("partial", []);
    await session.connect();
    assert.match(session.id, /^[0-9a-f-]{36}$/);
    await session.wait();
    assert.deepEqual(await session.status(),
      { buffer: "no newline", result: { status: "fulfilled", value: null } });
    assert.equal(await collect(session), "no newline\n");
  });

  it("a newline goes behind every text, unless it should not", async () => {
    const session = overRest("echo", []);
    await session.connect();
    const from = server.log.length;
    await session.sendText("a");
    await session.sendText("");
    const bare = overRest("echo", [], { appendNewline: false });
    await bare.connect();
    await bare.sendText("b");
    const bodies = server.log.slice(from).filter(({ url: path }) => path.startsWith("/input/"));
    assert.deepEqual(bodies.map(({ body }) => body), ["a\n", "\n", "b"]);
    await Promise.all([session.cancel(), bare.cancel()]);
  });

  it("input goes one request at a time, a cancel past it", async () => {
    const asked = [];
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    const session = overRest("echo", [], {
      fetch: async (address, request) => {
        asked.push(address.pathname.split("/")[1]);
        if (asked.at(-1) === "input") await held;
        return fetch(address, request);
      },
    });
    await session.connect();
    const sent = Promise.all([session.sendText("a"), session.sendText("b")]);
    await until(() => asked.includes("input"), "the first input");
    await session.cancel();
    assert.deepEqual(asked, ["new", "input", "cancel"]);
    release();
    await sent.catch(() => {}); // the process has ended, its input with it
    assert.deepEqual(asked, ["new", "input", "cancel", "input"]);
  });

  it("the URL may have a base path, with or without a slash, and a query", async () => {
    const based = await startPowServer({ base: "/pow/" });
    for (const base of ["/pow", "/pow/", "/pow//", "/pow?key=1"]) {
      const session = new RestSession({ url: based.origin + base, headers: { "x-token": "toad" } },
        { call: "fail" }, { pollInterval: 5 });
      await session.connect();
      assert.deepEqual(await session.wait(), { status: "rejected", reason: "it went wrong" });
    }
    assert.ok(based.log.every(({ headers }) => headers["x-token"] === "toad"));
    assert.match(based.log.at(-1).url, /^\/pow\/status\/[^/?]+\?key=1$/);
    await based.stop();
  });

  it("a process the server has dropped is told by its status", async () => {
    const session = overRest("echo", []);
    await session.connect();
    await server.stop();
    server = await startPowServer();
    const gone = new RestSession({ url: url() }, { call: "echo" }, {
      pollInterval: 5,
      fetch: (address, request) => fetch(String(address).replace(/status\/.*/, "status/gone"), request),
    });
    await gone.connect();
    await assert.rejects(gone.wait(), (error) => error.code === "unexpected_status" &&
      error.status === 404 && error.body === "process not found\n");
    await assert.rejects(session.wait(), { code: "connect_failed" });
  });

  for (const [what, body] of [["no JSON", "<html>"], ["another shape", '{"result":7}']]) {
    it(`answers that make no sense are refused: ${what}`, async () => {
      const session = overRest("echo", [], {
        fetch: async (address, request) =>
          /status/.test(address) ? new Response(body) : fetch(address, request),
      });
      await session.connect();
      await assert.rejects(session.wait(), { code: "malformed_answer" });
      await session.cancel();
    });
  }

  it("a request has an end", async () => {
    const mute = await startMute();
    const session = new RestSession({ url: mute.url }, { call: "echo" });
    await assert.rejects(session.connect({ timeout: 20 }), { code: "timeout" });
    const slow = overRest("echo", [], {
      requestTimeout: 20,
      fetch: (address, request) => fetch(/new/.test(address) ? address : mute.url, request),
    });
    await slow.connect();
    await assert.rejects(slow.cancel(), { code: "timeout" });
    await assert.rejects(slow.wait(), { code: "timeout" });
    mute.stop();
  });

  it("output beyond the window is told line by line while it moves", async () => {
    const session = overRest("count", ["1500"]);
    await session.connect();
    const lines = (await collect(session)).trimEnd().split("\n");
    assert.equal(lines.length, 1000); // all of it was written before the first look
    assert.equal(lines.at(-1), "line 1499");
  });

  it("wrong URLs and calls are named at once", () => {
    assert.throws(() => new RestSession({ url: "ws://h/" }, { call: "a" }), /neither http: nor https:/);
    assert.throws(() => new RestSession({ url: "x" }, { call: "a" }), /^TypeError: url: "x"/);
    assert.throws(() => new WebsocketSession({ url: "http://h/" }, {}), /^TypeError: call/);
  });
});
