// The relay client against a websocket server that does as the test says.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { afterEach, describe, it } from "node:test";
import { connect, RelayError } from "natterjack-client/relay";
import { noUnhandledRejections, startWebsocketServer, until, within } from "./support.mjs";

noUnhandledRejections();

const QUICK = { minDelay: 1, maxDelay: 20, stableAfter: 60_000 };
const frame = (topic, data) => JSON.stringify({ topic, data });

const cleanups = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function serverOf(serve = () => {}, options) {
  const server = await startWebsocketServer(serve, options);
  cleanups.push(() => server.stop());
  return server;
}

/** A connection that is closed behind the test, and keeps what it saw. */
function client(url, options = {}) {
  const relay = connect(url, { reconnect: QUICK, ...options });
  cleanups.push(() => relay.close());
  const states = [], errors = [];
  relay.onState((change) => states.push(change));
  relay.onError((error) => errors.push(error));
  return Object.assign(relay, { seenStates: states, seenErrors: errors });
}

const echo = (socket) => {
  socket.on("message", (data, isBinary) => {
    socket.send(frame(isBinary ? "bytes" : "echo", data.toString()));
  });
};

describe("frames", () => {
  it("reach the handlers of their topic and those of all, in order", async () => {
    const server = await serverOf((socket) => {
      for (const text of [frame("a", 1), frame("b", { x: [2] }), frame("__proto__", 3), frame("a", null)]) {
        socket.send(text);
      }
    });
    const relay = client(server.url);
    const seen = [];
    relay.on("a", (data, topic) => seen.push([topic, data]));
    relay.on("__proto__", (data) => seen.push(["proto", data]));
    relay.onAny((topic, data) => seen.push(["any", topic, data]));
    await until(() => seen.length === 7, "seven calls");
    assert.deepEqual(seen, [["a", 1], ["any", "a", 1], ["any", "b", { x: [2] }], ["proto", 3],
      ["any", "__proto__", 3], ["a", null], ["any", "a", null]]);
  });

  it("no longer reach a handler that was taken out, by its function or by a signal", async () => {
    const server = await serverOf(echo);
    const relay = client(server.url);
    const seen = [];
    const stop = new AbortController();
    const remove = relay.on("echo", () => seen.push("first"));
    relay.on("echo", () => seen.push("second"), { signal: stop.signal });
    relay.on("echo", () => seen.push("never"), { signal: AbortSignal.abort() });
    relay.send("1");
    await relay.next("echo");
    remove();
    remove();
    stop.abort();
    relay.send("2");
    await relay.next("echo");
    assert.deepEqual(seen, ["first", "second"]);
  });

  it("that are malformed are reported, and the connection goes on", async () => {
    const server = await serverOf((socket) => {
      socket.send("no JSON");
      socket.send(Buffer.from([1, 2]));
      socket.send('{"topic":"a"}');
      socket.send(frame("a", "fine"));
    });
    const relay = client(server.url);
    assert.equal(await within(relay.next("a"), "the last frame"), "fine");
    assert.deepEqual(relay.seenErrors.map(({ code }) => code), Array(3).fill("malformed_frame"));
    assert.match(relay.seenErrors[0].message, /no JSON \(no JSON\); expected \{"topic"/);
    assert.ok(relay.seenErrors[0] instanceof RelayError);
    assert.equal(relay.state, "open");
  });

  it("reach the other handlers when one throws", async () => {
    const server = await serverOf((socket) => socket.send(frame("a", 1)));
    const relay = client(server.url);
    const why = new Error("mine");
    relay.on("a", () => { throw why; });
    await within(relay.next("a"), "the frame");
    assert.equal(relay.seenErrors[0].code, "handler_failed");
    assert.equal(relay.seenErrors[0].cause, why);
  });
});

describe("sending", () => {
  it("takes text, objects and bytes", async () => {
    const server = await serverOf(echo);
    const relay = client(server.url);
    await relay.ready();
    const seen = [];
    relay.onAny((topic, data) => seen.push([topic, data]));
    assert.equal(relay.send("text"), "sent");
    relay.send({ type: "say" });
    relay.send(new TextEncoder().encode("raw"));
    await until(() => seen.length === 3, "three echoes");
    assert.deepEqual(seen, [["echo", "text"], ["echo", '{"type":"say"}'], ["bytes", "raw"]]);
    assert.throws(() => relay.send(3), TypeError);
  });

  it("queues before the first connection, behind what a handler of `open` sends", async () => {
    const got = [];
    const server = await serverOf((socket) => socket.on("message", (data) => got.push(data.toString())));
    const relay = client(server.url);
    relay.onState(({ state }) => { if (state === "open") relay.send("hello"); });
    assert.equal(relay.send("1"), "queued");
    assert.equal(relay.send("2"), "queued");
    assert.equal(relay.queued, 2);
    await until(() => got.length === 3, "three messages");
    assert.deepEqual(got, ["hello", "1", "2"]);
    assert.equal(relay.queued, 0);
  });

  it("is refused without a connection when the queue is off or full", () => {
    const off = client("ws://127.0.0.1:1/", { queue: false });
    assert.throws(() => off.send("x"), { code: "queue_full" });
    const full = client("ws://127.0.0.1:1/", { queue: { messages: 1 } });
    full.send("x");
    assert.throws(() => full.send("y"), /1 messages \(1 bytes\) wait already/);
    const dropping = client("ws://127.0.0.1:1/", { queue: { messages: 1, whenFull: "drop-newest" } });
    dropping.send("x");
    assert.equal(dropping.send("y"), "dropped");
  });

  it("is refused after the end, which says what was never sent", async () => {
    const relay = client("ws://127.0.0.1:1/");
    relay.send("x");
    assert.equal((await relay.close()).unsent, 1);
    assert.throws(() => relay.send("y"), { code: "closed" });
  });
});

describe("reconnecting", () => {
  it("goes on after a cut, with what was queued meanwhile", async () => {
    let count = 0;
    const server = await serverOf((socket) => {
      count += 1;
      socket.send(frame("number", count));
      echo(socket);
    });
    const relay = client(server.url);
    assert.equal(await relay.next("number"), 1);
    let fate;
    relay.onState(({ state }) => { if (state === "waiting") fate = relay.send("kept"); });
    for (const socket of server.sockets) socket.terminate();
    const [number, kept] = await within(
      Promise.all([relay.next("number"), relay.next("echo")]), "the second connection");
    assert.deepEqual([fate, number, kept], ["queued", 2, "kept"]);
    const states = relay.seenStates.map(({ state }) => state);
    assert.deepEqual(states, ["open", "waiting", "connecting", "open"]);
    const { close, retryIn, previous } = relay.seenStates[1];
    assert.deepEqual({ ...close }, { code: 1006, reason: "", opened: true, by: "network" });
    assert.ok(retryIn >= 0 && retryIn <= 1);
    assert.equal(previous, "open");
  });

  it("keeps trying while nobody listens", async () => {
    const relay = client("ws://127.0.0.1:1/");
    await until(() => relay.seenStates.filter(({ state }) => state === "waiting").length >= 5, "five tries");
    assert.equal(relay.seenErrors[0].code, "connect_failed");
    assert.equal(relay.seenStates.every(({ close }) => !close?.opened), true);
  });

  it("waits longer for connections that do not last, and stops when told how often", async () => {
    const server = await serverOf((socket) => socket.close(1001, "not now"));
    const relay = client(server.url, { reconnect: { ...QUICK, jitter: 0, maxRetries: 3 } });
    const close = await within(relay.closed, "the end");
    assert.equal(close.code, 1001);
    assert.equal(close.by, "server");
    const delays = relay.seenStates.flatMap(({ retryIn }) => retryIn ?? []);
    assert.deepEqual(delays, [1, 2, 4]);
  });

  it("starts over from the first delay after a stable connection", async () => {
    const server = await serverOf((socket) => socket.close(1001));
    const relay = client(server.url, { reconnect: { ...QUICK, jitter: 0, stableAfter: 0 } });
    await until(() => relay.seenStates.filter(({ retryIn }) => retryIn !== undefined).length >= 4, "four");
    const delays = relay.seenStates.flatMap(({ retryIn }) => retryIn ?? []);
    assert.ok(delays.every((delay) => delay === 1), String(delays));
  });

  for (const [code, reason] of [[1000, "bye"], [1008, "no"], [4001, "another window"]]) {
    it(`stops on a close that says so: ${code}`, async () => {
      const server = await serverOf((socket) => socket.close(code, reason));
      const relay = client(server.url);
      assert.deepEqual({ ...await within(relay.closed, "the end") },
        { code, reason, by: "server", opened: true });
      assert.equal(relay.state, "closed");
    });
  }

  it("is decided by the application where it wants to", async () => {
    let count = 0;
    const server = await serverOf((socket) => socket.close(4000 + (count += 1)));
    const relay = client(server.url, { reconnect: { ...QUICK, retry: ({ code }) => code < 4003 } });
    assert.equal((await within(relay.closed, "the end")).code, 4003);
  });

  it("can be switched off", async () => {
    const server = await serverOf((socket) => socket.terminate());
    const relay = client(server.url, { reconnect: false });
    assert.equal((await within(relay.closed, "the end")).code, 1006);
  });

  it("asks for the URL every time", async () => {
    const paths = [];
    const server = await serverOf((socket, { url }) => { paths.push(url); socket.close(1001); });
    let token = 0;
    const relay = client(async () => {
      token += 1;
      if (token === 2) throw new Error("no token today");
      return `${server.url}?token=${token}`;
    });
    await until(() => paths.length >= 2, "two connections");
    assert.deepEqual(paths.slice(0, 2), ["/?token=1", "/?token=3"]);
    assert.match(relay.seenErrors[0].message, /no connection could be started: no token today/);
  });

  it("does not go on with a URL that came after close()", async () => {
    let asked = 0;
    let give;
    const server = await serverOf(() => assert.fail("connected after all"));
    const relay = client(() => { asked += 1; return new Promise((resolve) => { give = resolve; }); });
    await until(() => asked === 1, "the question");
    await relay.close();
    give(server.url);
    await new Promise(setImmediate);
    assert.equal(server.sockets.size, 0);
  });

  it("tells the status and text of a refused handshake", async () => {
    const server = await serverOf(undefined, {
      verifyClient: (_info, answer) => answer(false, 403, "you may not\n"),
    });
    const relay = client(server.url, { reconnect: { ...QUICK, maxRetries: 0 } });
    const close = await within(relay.closed, "the end");
    assert.equal(close.httpStatus, 403);
    assert.match(close.httpBody, /you may not/);
    assert.match(relay.seenErrors[0].message, /refused the handshake: 403 you may not/);
  });

  it("gives up an attempt that takes too long", async () => {
    const mute = net.createServer(() => {}).listen(0, "127.0.0.1");
    await once(mute, "listening");
    cleanups.push(() => { mute.close(); });
    const relay = client(`ws://127.0.0.1:${mute.address().port}/`,
      { connectTimeout: 30, reconnect: { ...QUICK, maxRetries: 1 } });
    await within(relay.closed, "the end");
    assert.deepEqual(relay.seenErrors.map(({ code }) => code), ["connect_timeout", "connect_timeout"]);
  });
});

describe("the heartbeat", () => {
  it("leaves a connection alone that answers pings", async () => {
    const server = await serverOf();
    const relay = client(server.url, { heartbeat: { interval: 10, timeout: 2000 } });
    await relay.ready();
    let pings = 0;
    for (const socket of server.sockets) socket.on("ping", () => { pings += 1; });
    await until(() => pings >= 5, "five pings");
    assert.equal(relay.seenErrors.length, 0);
  });

  it("finds a server that is silent, and connects again", async () => {
    const server = await serverOf(undefined, { autoPong: false });
    const relay = client(server.url, { heartbeat: { interval: 10, timeout: 20 } });
    await until(() => relay.seenStates.filter(({ state }) => state === "open").length >= 2, "a second one");
    assert.equal(relay.seenErrors[0].code, "heartbeat_timeout");
    assert.equal(relay.seenStates.find(({ state }) => state === "waiting").close.code, 1006);
  });

  it("sends a message of the application's instead", async () => {
    const server = await serverOf(echo, { autoPong: false });
    const relay = client(server.url,
      { heartbeat: { interval: 10, timeout: 2000, message: () => ({ type: "are you there" }) } });
    assert.equal(await within(relay.next("echo"), "an answer"), '{"type":"are you there"}');
    await within(relay.next("echo"), "another");
    assert.equal(relay.seenErrors.length, 0);
  });

  it("only listens with null, to pings of the server as well", async () => {
    const server = await serverOf((socket) => {
      const timer = setInterval(() => socket.ping(), 10);
      socket.on("close", () => clearInterval(timer));
    });
    const relay = client(server.url, { heartbeat: { interval: 300, timeout: 1000, message: null } });
    await relay.ready();
    await new Promise((resolve) => setTimeout(resolve, 400)); // longer than the interval
    assert.equal(relay.seenErrors.length, 0);
    assert.equal(relay.state, "open");
  });
});

describe("the end", () => {
  it("has the code and reason that were given", async () => {
    let code, reason;
    const server = await serverOf((socket) => {
      socket.on("close", (...args) => { [code, reason] = [args[0], args[1].toString()]; });
    });
    const relay = client(server.url);
    await relay.ready();
    assert.deepEqual({ ...await relay.close(4321, "enough") },
      { code: 4321, reason: "enough", by: "client", opened: true });
    await until(() => code, "the close at the server");
    assert.deepEqual([code, reason], [4321, "enough"]);
    assert.equal((await relay.close()).code, 4321);
  });

  it("refuses codes and reasons that cannot be sent, and stays open", async () => {
    const server = await serverOf();
    const relay = client(server.url);
    await relay.ready();
    assert.throws(() => relay.close(1001), /code 1001 is neither 1000 nor/);
    assert.throws(() => relay.close(4000, "x".repeat(124)), /at most 123 fit/);
    assert.equal(relay.state, "open");
  });

  it("comes also when the server does not take part in it", async () => {
    const server = await serverOf((socket) => socket.pause());
    const relay = client(server.url, { closeTimeout: 20 });
    await relay.ready();
    const close = await within(relay.close(), "the end");
    assert.equal(close.by, "client");
    assert.equal(close.code, 1006);
  });

  it("comes at once while waiting or connecting", async () => {
    const waiting = client("ws://127.0.0.1:1/", { reconnect: { minDelay: 60_000 } });
    await until(() => waiting.state === "waiting", "the delay");
    assert.equal((await within(waiting.close(), "the end")).by, "client");
    const connecting = client("ws://127.0.0.1:1/");
    assert.equal((await within(connecting.close(4000), "the end")).code, 4000);
  });

  it("comes by a signal, at any time", async () => {
    const server = await serverOf();
    const stop = new AbortController();
    const relay = client(server.url, { signal: stop.signal });
    await relay.ready();
    stop.abort();
    assert.equal((await within(relay.closed, "the end")).by, "client");
    assert.throws(() => connect(server.url, { signal: AbortSignal.abort() }), { name: "AbortError" });
  });

  it("can be called for by a handler of states", async () => {
    const server = await serverOf((socket) => socket.terminate());
    const relay = client(server.url);
    relay.onState(({ state }) => { if (state === "waiting") relay.close(); });
    assert.equal((await within(relay.closed, "the end")).by, "client");
    assert.equal(relay.seenStates.at(-1).state, "closed");
  });
});

describe("waiting", () => {
  it("for a connection or a topic has a bound", async () => {
    const relay = client("ws://127.0.0.1:1/");
    await assert.rejects(relay.ready({ timeout: 20 }), { code: "timeout" });
    await assert.rejects(relay.next("a", { timeout: 20 }), /no topic "a" within 20 ms/);
    await assert.rejects(relay.ready({ signal: AbortSignal.timeout(10) }), { name: "TimeoutError" });
    const pending = assert.rejects(relay.next("a"), { code: "closed" });
    relay.close();
    await pending;
    await assert.rejects(relay.ready(), { code: "closed" });
  });
});

describe("options", () => {
  it("that are wrong are named at once", () => {
    assert.throws(() => connect("nonsense"), /^TypeError: url: "nonsense"/);
    assert.throws(() => connect("ws://h/", { reconnect: { jitter: 7 } }), /reconnect.jitter/);
    class Browserlike {}
    assert.throws(() => connect("ws://h/", { webSocket: Browserlike, heartbeat: {} }),
      /heartbeat: a browser sends no pings/);
  });

  it("headers are sent with the handshake", async () => {
    let seen;
    const server = await serverOf((_socket, { headers }) => { seen = headers["x-token"]; });
    const relay = client(server.url, { headers: { "X-Token": "toad" } });
    await relay.ready();
    await until(() => seen, "the header");
    assert.equal(seen, "toad");
  });
});
