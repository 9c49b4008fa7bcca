// Sessions of process jobs against the real binary: the built-in echo, and commands.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RestSession, WebsocketSession } from "natterjack-client/pow";
import { collect, sessionCases } from "./pow_cases.mjs";
import { lacks, noUnhandledRejections, startNatterjack, within } from "./support.mjs";

noUnhandledRejections();

const COMMANDS = {
  lines: "/bin/sh -c 'for i in 1 2 3; do echo line $i; done'",
  ask: "/bin/sh -c 'printf name?; read name; echo hello $name'",
  fail: "/bin/sh -c 'echo so far; exit 3'",
  patient: "/bin/sleep 600",
  zeros: "/usr/bin/head -c {1} /dev/zero",
};

describe("natterjack pow", { skip: lacks("pow") }, () => {
  let server;
  const url = () => `${server.origin}/`;
  const session = (Kind, call, params, options) => new Kind({ url: url() }, { call, params }, options);
  const QUICK = { pollInterval: 10 };

  before(async () => {
    const commands = Object.entries(COMMANDS).flatMap(([name, line]) => ["--exec", `${name}=${line}`]);
    server = await startNatterjack("pow", "--listen", "127.0.0.1:0", "--call-timeout", "20s", ...commands);
  });
  after(() => server.stop());

  sessionCases(url);

  for (const Kind of [WebsocketSession, RestSession]) {
    describe(`a command over ${Kind === RestSession ? "REST" : "websocket"}`, () => {
      it("shows what it prints", async () => {
        const lines = session(Kind, "lines", [], QUICK);
        await lines.connect();
        const output = collect(lines);
        assert.equal((await within(lines.wait(), "the result")).status, "fulfilled");
        assert.equal(await within(output, "the output"), "line 1\nline 2\nline 3\n");
      });

      it("takes what it asks for", async () => {
        const ask = session(Kind, "ask", [], QUICK);
        const output = collect(ask);
        await ask.connect();
        await ask.sendText(Kind === RestSession ? "toad" : "toad\n");
        assert.equal((await within(ask.wait(), "the result")).status, "fulfilled");
        assert.equal(await within(output, "the output"), "name?hello toad\n");
      });

      it("is rejected when it fails", async () => {
        const fail = session(Kind, "fail", [], QUICK);
        await fail.connect();
        const { status, reason } = await within(fail.wait(), "the result");
        assert.equal(status, "rejected");
        assert.match(reason, /3/);
      });

      it("ends when it is cancelled", async () => {
        const patient = session(Kind, "patient", [], QUICK);
        await patient.connect();
        await patient.cancel();
        patient.cancel();
        assert.equal((await within(patient.wait(), "the result")).status, "rejected");
      });
    });
  }

  it("slows a command down to the pace of its reader", async () => {
    const zeros = session(WebsocketSession, "zeros", ["5000000"], { outputLimit: 100_000 });
    await zeros.connect();
    let size = 0, count = 0;
    for await (const text of zeros) {
      size += text.length;
      count += 1;
      if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(size, 5_000_000);
    assert.equal((await within(zeros.wait(), "the result")).status, "fulfilled");
  });

  it("takes two megabytes of input that nobody waited for", async () => {
    const echo = session(WebsocketSession, "echo", []);
    await echo.connect();
    const output = collect(echo);
    const line = `${"0123456789".repeat(200)}\n`;
    for (let i = 0; i < 1000; i += 1) echo.sendText(line);
    echo.closeInput();
    await within(echo.wait(), "the result");
    assert.equal(await within(output, "the output"), line.repeat(1000));
  });
});
