// What every server of process jobs does for both kinds of session: run against the one in
// pow_server.mjs and against the real binary.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  errAlreadyConnected, errNotConnected, errWaitExceeded, RestSession, WebsocketSession,
} from "natterjack-client/pow";
import { within } from "./support.mjs";

const KINDS = {
  websocket: (url, call, options) => new WebsocketSession({ url }, call, options),
  REST: (url, call, options) => new RestSession({ url }, call,
    { pollInterval: 5, appendNewline: false, ...options }),
};

export async function collect(session) {
  let text = "";
  for await (const piece of session) text += piece;
  return text;
}

/** @param url  a function that gives the server's URL once the tests run */
export function sessionCases(url) {
  for (const [kind, make] of Object.entries(KINDS)) {
    const echo = (params, options) => make(url(), { call: "echo", ...(params && { params }) }, options);
    // A lost process may be told with a prefix over a websocket.
    const reasonEnds = (result, text) => {
      assert.equal(result.status, "rejected");
      assert.ok(result.reason.endsWith(text), result.reason);
    };

    describe(`a session over ${kind}`, () => {
      it("echoes its input and gives its arguments as value", async () => {
        const session = echo(["a", "ü<>&\u2028🐸"]);
        const output = collect(session);
        await session.connect();
        await session.sendText("one\n");
        await session.sendText("zwei 世界\n");
        await session.closeInput();
        const result = await within(session.wait(), "the result");
        assert.deepEqual(result, { status: "fulfilled", value: ["a", "ü<>&\u2028🐸"] });
        assert.equal(await within(output, "the output"), "one\nzwei 世界\n");
      });

      it("tells no arguments from an empty list of them", async () => {
        for (const [params, value] of [[undefined, null], [[], []]]) {
          const session = echo(params);
          await session.connect();
          await session.closeInput();
          assert.deepEqual(await within(session.wait(), "the result"), { status: "fulfilled", value });
        }
      });

      it("keeps the order of what nobody waited for", async () => {
        const session = echo();
        const output = collect(session);
        session.connect();
        let expected = "";
        for (let i = 0; i < 40; i += 1) {
          session.sendText(`${i}\n`);
          expected += `${i}\n`;
        }
        session.closeInput();
        session.sendText("too late\n");
        await within(session.wait(), "the result");
        assert.equal(await within(output, "the output"), expected);
      });

      it("sends long input in full", async () => {
        const session = echo();
        const output = collect(session);
        await session.connect();
        const text = "🐸日本語é-".repeat(2000);
        await session.sendText(`${text}\n`);
        await session.closeInput();
        await within(session.wait(), "the result");
        assert.equal(await within(output, "the output"), `${text}\n`);
      });

      it("is rejected for a process that does not exist", async () => {
        const session = make(url(), { call: "no such thing" });
        await session.connect();
        reasonEnds(await within(session.wait(), "the result"), "unknown process");
      });

      it("is rejected with the cause after a cancel", async () => {
        const session = echo(["x"]);
        await session.connect();
        await session.cancel();
        session.closeInput();
        reasonEnds(await within(session.wait(), "the result"), "client requested cancellation");
      });

      it("connects once, and can be used only then", async () => {
        const session = echo();
        for (const use of ["wait", "sendText", "closeInput", "cancel"]) {
          await assert.rejects(session[use]("x"), (error) => error === errNotConnected, use);
        }
        await session.connect();
        await assert.rejects(session.connect(), (error) => error === errAlreadyConnected);
        await session.closeInput();
        await session.closeInput();
        await session.sendText("nothing happens");
        const result = await within(session.wait(), "the result");
        assert.deepEqual(await session.wait(), result);
        for (const use of ["sendText", "closeInput", "cancel"]) {
          await assert.rejects(session[use]("x"), (error) => error === errNotConnected, use);
        }
        await assert.rejects(session.connect(), (error) => error === errAlreadyConnected);
      });

      it("waits no longer than it should, and may wait again", async () => {
        const session = echo();
        await session.connect();
        await assert.rejects(session.wait({ maxWait: 20 }), (error) => error === errWaitExceeded);
        await assert.rejects(session.wait({ signal: AbortSignal.timeout(10) }), { name: "TimeoutError" });
        await session.closeInput();
        assert.equal((await within(session.wait(), "the result")).status, "fulfilled");
      });

      it("can be let go of", async () => {
        const session = echo();
        const output = collect(session);
        await session.connect();
        const waiting = session.wait();
        session.close();
        await assert.rejects(within(waiting, "the end"), { code: "closed" });
        await assert.rejects(within(output, "the output"), { code: "closed" });
        await assert.rejects(session.sendText("x"), (error) => error === errNotConnected);
      });

      it("fails clearly, and without a stray rejection, where nobody listens", async () => {
        const session = make("http://127.0.0.1:1/", { call: "echo" });
        session.connect();
        session.sendText("x");
        session.closeInput();
        session.cancel();
        await assert.rejects(session.wait(), { code: "connect_failed" });
        await assert.rejects(collect(session));
        await new Promise(setImmediate);
      });

      it("gives up connecting when told to", async () => {
        const session = echo();
        await assert.rejects(session.connect({ signal: AbortSignal.abort() }), { name: "AbortError" });
        await assert.rejects(session.wait());
      });
    });
  }
}
