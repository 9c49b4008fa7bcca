// The relay client against the real binary that serves examples/chat.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { connect } from "natterjack-client/relay";
import { lacks, noUnhandledRejections, startNatterjack, until, within } from "./support.mjs";

noUnhandledRejections();

const QUICK = { minDelay: 5, maxDelay: 50 };
const serveChat = (address = "127.0.0.1:0", ...more) =>
  startNatterjack("run", "examples/chat", "--listen", address, ...more);

describe("the chat of the examples", { skip: lacks("run") }, () => {
  let server;
  const relays = [];
  before(async () => { server = await serveChat("127.0.0.1:0", "--drain-window", "100ms"); });
  after(() => server.stop());
  afterEach(() => Promise.all(relays.splice(0).map((relay) => relay.close())));

  /** A chat client that keeps what it heard. */
  function enter(nick, options = {}) {
    const url = `${server.origin}/api/v1/ws/connect?nick=${encodeURIComponent(nick)}`;
    const relay = connect(url, { reconnect: QUICK, ...options });
    relays.push(relay);
    const heard = [], states = [], errors = [];
    relay.onAny((topic, data) => heard.push({ topic, data }));
    relay.onState((change) => states.push(change));
    relay.onError((error) => errors.push(error));
    return Object.assign(relay, { heard, states, errors });
  }

  it("welcomes a client, which hears what is said", async () => {
    const ada = enter("ada");
    const welcome = await within(ada.next("welcome"), "the welcome");
    assert.equal(welcome.you, "ada");
    const bob = enter("bob");
    await within(ada.next("joined"), "bob");
    bob.send({ type: "say", text: "hello, 世界 🐸" });
    const said = await within(ada.next("said"), "the words");
    assert.equal(said.from, "bob");
    assert.equal(said.text, "hello, 世界 🐸");
    const farewell = ada.next("left");
    await bob.close(1000, "done");
    assert.equal((await within(farewell, "the farewell")).nick, "bob");
    assert.deepEqual(ada.errors, []);
  });

  it("keeps the order of a thousand messages, queued and sent", async () => {
    const ada = enter("ada");
    for (let i = 0; i < 500; i += 1) ada.send({ type: "say", text: `${i}` });
    await within(ada.ready(), "a connection");
    for (let i = 500; i < 1000; i += 1) ada.send({ type: "say", text: `${i}` });
    const said = () => ada.heard.filter(({ topic }) => topic === "said");
    await until(() => said().length === 1000, "a thousand messages");
    assert.deepEqual(said().map(({ data }) => Number(data.text)), Array.from({ length: 1000 }, (_, i) => i));
  });

  it("answers a heartbeat by a message, and by a ping", async () => {
    const asking = enter("ada", { heartbeat: { interval: 10, timeout: 5000, message: { type: "?" } } });
    await until(() => asking.heard.filter(({ topic }) => topic === "error").length >= 3, "three answers");
    const pinging = enter("bob", { heartbeat: { interval: 10, timeout: 5000 } });
    await within(pinging.next("welcome"), "the welcome");
    await new Promise((resolve) => setTimeout(resolve, 200)); // a score of pings
    assert.equal(pinging.states.length, 1);
    assert.deepEqual([...asking.errors, ...pinging.errors], []);
  });

  it("refuses a client that has no nick, which learns the status and why", async () => {
    const nobody = enter(" ", { reconnect: false });
    const close = await within(nobody.closed, "the refusal");
    assert.equal(close.httpStatus, 400);
    assert.match(close.httpBody, /nick: 1 to 24 characters/);
  });

  it("is found again after a restart, with what was queued meanwhile", async () => {
    const ada = enter("ada");
    await within(ada.next("welcome"), "the welcome");
    const goodbye = new Promise((resolve) => ada.onState((change) => resolve(change)));
    const { port } = server;
    assert.equal(await server.stop(), 0);
    const { state, close } = await within(goodbye, "the loss");
    assert.equal(state, "waiting");
    assert.deepEqual([close.code, close.by], [1001, "server"]);
    assert.equal(ada.send({ type: "say", text: "anybody there?" }), "queued");
    server = await serveChat(`127.0.0.1:${port}`);
    const [welcome, said] = await within(
      Promise.all([ada.next("welcome"), ada.next("said")]), "the server's return");
    assert.equal(welcome.you, "ada");
    assert.equal(said.text, "anybody there?");
  });

  it("closes on a message over its bound, and takes the client back", async () => {
    const narrow = await serveChat("127.0.0.1:0", "--set", "system:gateway.limits.message_bytes=1000");
    const relay = connect(`${narrow.origin}/api/v1/ws/connect?nick=eve`, { reconnect: QUICK });
    relays.push(relay);
    const loss = new Promise((resolve) => relay.onState((change) => change.close && resolve(change)));
    await within(relay.next("welcome"), "the welcome");
    relay.send({ type: "say", text: "x".repeat(1000) });
    const { state, close } = await within(loss, "the loss");
    assert.equal(state, "waiting", JSON.stringify(close));
    assert.match(close.reason, /^message /);
    await within(relay.next("welcome"), "another welcome");
    await narrow.stop();
  });

  it("is found again after it was killed", async () => {
    const ada = enter("ada");
    await within(ada.next("welcome"), "the welcome");
    const { port } = server;
    await server.stop("SIGKILL");
    await until(() => ada.states.some(({ close }) => close?.code === 1006), "the loss");
    const welcome = ada.next("welcome"); // it may come before the log is read
    server = await serveChat(`127.0.0.1:${port}`);
    assert.equal((await within(welcome, "the server's return")).you, "ada");
  });
});
