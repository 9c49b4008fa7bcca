// The browser's files in a browser: dist/ as it is, without a bundler, in headless Chromium.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, afterEach, before, describe, it } from "node:test";
import { chromium } from "playwright-core";
import { startPowServer } from "./pow_server.mjs";
import { lacks, startNatterjack, within } from "./support.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const distribution = new URL("../dist/", import.meta.url);

/**
 * Puts dist/ below /client/ of a server that knows nothing of it. The page is the server's own word
 * that it has none there: a browser lets only pages of this machine open sockets to it.
 */
async function open(browser, origin) {
  const page = await browser.newPage();
  await page.route(`${origin}/client/**/*.js`, (route) => {
    const name = new URL(route.request().url()).pathname.slice("/client/".length);
    const body = readFileSync(new URL(name, distribution), "utf8");
    return route.fulfill({ contentType: "text/javascript", body });
  });
  await page.goto(`${origin}/client/none`);
  return page;
}

describe("in a browser", { skip: existsSync(executablePath) ? false : `${executablePath} is missing` }, () => {
  let browser;
  const stops = [];
  before(async () => {
    browser = await chromium.launch({
      executablePath,
      timeout: 120_000, // beside a build a browser takes its time
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"],
    });
  });
  after(() => browser?.close());
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  it("the relay talks to the chat, and finds it again", { skip: lacks("run") }, async () => {
    const serve = (address) => startNatterjack("run", "examples/chat", "--listen", address);
    let server = await serve("127.0.0.1:0");
    stops.push(() => server.stop("SIGKILL"));
    const page = await open(browser, server.origin);
    stops.push(() => page.close());
    const said = await within(page.evaluate(async () => {
      const { connect } = await import("/client/relay.js");
      const states = [];
      const relay = connect("/api/v1/ws/connect?nick=ada", { reconnect: { minDelay: 5, maxDelay: 50 } });
      relay.onState(({ state, close }) => states.push(close ? `${state} ${close.by}` : state));
      const { you } = await relay.next("welcome");
      const words = relay.next("said");
      relay.send({ type: "say", text: "from a browser" });
      Object.assign(globalThis, { relay, states });
      return [you, (await words).text];
    }), "the chat");
    assert.deepEqual(said, ["ada", "from a browser"]);

    await server.stop("SIGKILL");
    await within(page.waitForFunction(() => globalThis.states.includes("waiting network")), "the loss");
    const { port } = server;
    const welcome = page.evaluate(() => globalThis.relay.next("welcome"));
    server = await serve(`127.0.0.1:${port}`);
    assert.equal((await within(welcome, "the return")).you, "ada");

    const close = await within(page.evaluate(() => globalThis.relay.close(4000, "done")), "the end");
    assert.deepEqual(close, { code: 4000, reason: "done", opened: true, by: "client" });
  });

  const jobs = async (server) => {
    stops.push(() => server.stop());
    const page = await open(browser, server.origin);
    stops.push(() => page.close());
    const seen = await within(page.evaluate(async () => {
      const { RestSession, WebsocketSession } = await import("/client/pow.js");
      const results = [];
      for (const Kind of [WebsocketSession, RestSession]) {
        const session = new Kind({ url: "/" }, { call: "echo", params: ["🐸"] }, { pollInterval: 10 });
        session.connect();
        session.sendText("é".repeat(1500));
        session.closeInput();
        let output = "";
        for await (const piece of session) output += piece;
        results.push([output.trimEnd() === "é".repeat(1500), (await session.wait()).value]);
      }
      return results;
    }), "two sessions");
    assert.deepEqual(seen, [[true, ["🐸"]], [true, ["🐸"]]]);
  };
  it("jobs run over websocket and REST", async () => jobs(await startPowServer()));
  it("jobs run on the real server", { skip: lacks("pow") }, async () =>
    jobs(await startNatterjack("pow", "--listen", "127.0.0.1:0", "--call-timeout", "20s")));

  it("a job's failures are told as elsewhere", async () => {
    const server = await startPowServer();
    stops.push(() => server.stop());
    const page = await open(browser, server.origin);
    stops.push(() => page.close());
    const codes = await within(page.evaluate(async () => {
      const { WebsocketSession } = await import("/client/pow.js");
      const seen = [];
      for (const how of ["no result", "code", "reason", "cut", "nonsense", "no close", "two results"]) {
        const session = new WebsocketSession({ url: "/" }, { call: "misbehave", params: [how] },
          { closeTimeout: how === "no close" ? 50 : 10_000 });
        session.connect();
        seen.push(await session.wait().then(({ value }) => value, ({ code }) => code));
      }
      const nobody = new WebsocketSession({ url: "ws://127.0.0.1:1/" }, { call: "echo" });
      seen.push(await nobody.connect().catch(({ code }) => code));
      return seen;
    }), "the failures");
    assert.deepEqual(codes, ["no_result", "unexpected_exit", "unexpected_reason", "unclean_exit",
      "malformed_answer", "unclean_exit", "done", "connect_failed"]);
  });

  it("what a browser cannot do is said at once", async () => {
    const server = await startPowServer();
    stops.push(() => server.stop());
    const page = await open(browser, server.origin);
    stops.push(() => page.close());
    const messages = await page.evaluate(async () => {
      const { connect, WebsocketSession } = await import("/client/index.js");
      const seen = [];
      for (const options of [{ headers: { a: "b" } }, { heartbeat: {} }]) {
        try {
          connect("/", options).close();
        } catch (error) {
          seen.push(error.message);
        }
      }
      const session = new WebsocketSession({ url: "/", headers: { a: "b" } }, { call: "echo" });
      seen.push(await session.connect().catch(({ message }) => message));
      return seen;
    });
    assert.match(messages[0], /^headers: a browser sends none/);
    assert.match(messages[1], /^heartbeat: a browser sends no pings/);
    assert.match(messages[2], /^headers: a browser sends none/);
  });
});
