// The parts that need no server.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Backoff } from "../dist/relay/backoff.js";
import { checkClose, shouldRetry } from "../dist/relay/close.js";
import { readFrame } from "../dist/relay/frame.js";
import { Outbox, toWire } from "../dist/relay/outbox.js";
import { chooseWebSocket, websocketUrl } from "../dist/socket.js";
import { addedLines } from "../dist/pow/lines.js";
import { Output } from "../dist/pow/output.js";
import { pieces } from "../dist/pow/pieces.js";
import { checkCall, readId, readResult, readStatus } from "../dist/pow/read.js";

describe("back-off", () => {
  it("doubles up to its longest delay", () => {
    const backoff = new Backoff({ minDelay: 100, maxDelay: 1000, jitter: 0 });
    assert.deepEqual(Array.from({ length: 6 }, () => backoff.next()), [100, 200, 400, 800, 1000, 1000]);
  });
  it("leaves the part called jitter to chance", () => {
    assert.equal(new Backoff({ minDelay: 100, jitter: 0.5 }, () => 0).next(), 100);
    assert.equal(new Backoff({ minDelay: 100, jitter: 0.5 }, () => 0.999).next(), 50);
    assert.equal(new Backoff({ minDelay: 100, jitter: 1 }, () => 0.75).next(), 25);
  });
  it("starts over after a connection that lasted, and only then", () => {
    const backoff = new Backoff({ minDelay: 100, jitter: 0, stableAfter: 1000 });
    backoff.next();
    backoff.next();
    backoff.lived(999);
    assert.equal(backoff.next(), 400);
    backoff.lived(1000);
    assert.equal(backoff.failures, 0);
    assert.equal(backoff.next(), 100);
  });
  it("stays at its longest delay however often it fails", () => {
    const backoff = new Backoff({ jitter: 0 });
    for (let i = 0; i < 2000; i += 1) backoff.next();
    assert.equal(backoff.next(), 30_000);
  });
  it("takes a first delay above the default of the longest", () => {
    assert.equal(new Backoff({ minDelay: 60_000, jitter: 0 }).next(), 60_000);
  });
  it("names a wrong option", () => {
    assert.throws(() => new Backoff({ jitter: 2 }), /reconnect.jitter: 2 is not between 0 and 1/);
    assert.throws(() => new Backoff({ minDelay: -1 }), /reconnect.minDelay/);
    assert.throws(() => new Backoff({ factor: NaN }), /reconnect.factor/);
    assert.throws(() => new Backoff({ minDelay: 10, maxDelay: 5 }), /reconnect.maxDelay/);
  });
});

describe("frames", () => {
  it("have a topic and data, other fields are let be", () => {
    assert.deepEqual(readFrame('{"topic":"a","data":null,"id":7}'), { topic: "a", data: null });
  });
  for (const [text, found] of [
    ["", /no JSON/], ["{", /no JSON/], ["[]", /no object/], ["null", /no object/], ["3", /no object/],
    ['{"data":1}', /no text as topic/], ['{"topic":3,"data":1}', /no text as topic/],
    ['{"topic":"a"}', /no data/], [new ArrayBuffer(3), /a binary message/],
  ]) {
    it(`are refused with the reason: ${JSON.stringify(text)}`, () => {
      assert.throws(() => readFrame(text), (error) => error.code === "malformed_frame" &&
        found.test(error.message) && /expected {"topic": text, "data": value}/.test(error.message));
    });
  }
  it("are shown in part when they are long", () => {
    assert.throws(() => readFrame("x".repeat(5000)), (error) => error.message.length < 300);
  });
});

describe("the queue", () => {
  it("keeps the order", () => {
    const outbox = new Outbox({});
    for (const text of ["a", "b", "c"]) assert.equal(outbox.push(text), true);
    assert.deepEqual([outbox.shift(), outbox.shift(), outbox.shift(), outbox.shift()],
      ["a", "b", "c", undefined]);
  });
  it("takes as many messages as its bound, and not one more", () => {
    const outbox = new Outbox({ messages: 2 });
    outbox.push("a");
    outbox.push("b");
    assert.throws(() => outbox.push("c"), { code: "queue_full" });
    assert.equal(outbox.length, 2);
  });
  it("counts bytes of UTF-8", () => {
    const outbox = new Outbox({ bytes: 4 });
    outbox.push("éé");
    assert.throws(() => outbox.push("x"), { code: "queue_full" });
    outbox.shift();
    assert.equal(outbox.push(new Uint8Array(4)), true);
  });
  it("drops the oldest or the newest where that was asked for", () => {
    const oldest = new Outbox({ messages: 2, whenFull: "drop-oldest" });
    const newest = new Outbox({ messages: 2, whenFull: "drop-newest" });
    for (const text of ["a", "b", "c"]) oldest.push(text);
    assert.deepEqual([oldest.shift(), oldest.shift()], ["b", "c"]);
    assert.deepEqual(["a", "b", "c"].map((text) => newest.push(text)), [true, true, false]);
    assert.deepEqual([newest.shift(), newest.shift()], ["a", "b"]);
  });
  it("does not lose everything for one message that never fits", () => {
    const outbox = new Outbox({ bytes: 4, whenFull: "drop-oldest" });
    outbox.push("a");
    assert.equal(outbox.push("too long"), false);
    assert.equal(outbox.length, 1);
  });
});

describe("what is sent", () => {
  it("is text as it is, bytes as they are, and JSON of everything else", () => {
    const bytes = new Uint8Array(2);
    assert.equal(toWire("{"), "{");
    assert.equal(toWire(bytes), bytes);
    assert.equal(toWire({ a: [1] }), '{"a":[1]}');
    assert.equal(toWire([1]), "[1]");
    assert.equal(toWire(new Date(0)), '"1970-01-01T00:00:00.000Z"');
  });
  for (const wrong of [undefined, null, 3, true, () => {}, Symbol("s"), { toJSON: () => undefined }]) {
    it(`is never ${String(wrong)}`, () => {
      assert.throws(() => toWire(wrong), /^TypeError: send: expected text, bytes or an object/);
    });
  }
});

describe("closes", () => {
  const close = (code, reason = "", by = "server") => ({ code, reason, by, opened: true });
  for (const [what, isRetried] of [
    [close(1000), false], [close(1000, "bye"), false], [close(1000, "target process exited"), true],
    [close(1000, "slow consumer"), true], [close(1000, "Failed to monitor target PID"), true],
    [close(1000, "Failed to monitor new target PID"), true], [close(1000, "slow consumers"), false],
    [close(1000, "message exceeds 1048576 bytes"), true], [close(1000, "message too big"), true],
    [close(1001, "server is shutting down"), true], [close(1002), false], [close(1003), false],
    [close(1005), true], [close(1006, "", "network"), true], [close(1007), true],
    [close(1008), false], [close(1009), true], [close(1010), false], [close(1011), true],
    [close(1012), true], [close(1013), true], [close(3000), false], [close(4999), false],
    [close(1001, "", "client"), false],
  ]) {
    it(`${what.code} "${what.reason}" by ${what.by}: ${isRetried ? "again" : "stop"}`, () => {
      assert.equal(shouldRetry(what), isRetried);
    });
  }
  it("that no client may send are refused", () => {
    for (const code of [999, 1001, 1006, 2999, 5000, 3000.5, NaN]) {
      assert.throws(() => checkClose(code, ""), RangeError);
    }
    for (const code of [1000, 3000, 4999]) checkClose(code, "é".repeat(61));
    assert.throws(() => checkClose(1000, "é".repeat(62)), /124 bytes, at most 123/);
  });
});

describe("URLs", () => {
  for (const [given, made] of [
    ["http://h/a?b#c", "ws://h/a?b"], ["https://h/", "wss://h/"], ["ws://h:1/", "ws://h:1/"],
    [new URL("wss://h/x"), "wss://h/x"],
  ]) {
    it(`${given} becomes ${made}`, () => assert.equal(websocketUrl(given), made));
  }
  it("of other kinds are refused by name", () => {
    assert.throws(() => websocketUrl("/relative"), /^TypeError: url: "\/relative" is not an absolute/);
    assert.throws(() => websocketUrl("ftp://h/"), /^TypeError: url: "ftp:\/\/h\/" has the scheme ftp:/);
  });
});

describe("without a websocket of its own", () => {
  it("the client says what to do", { skip: "WebSocket" in globalThis }, () => {
    assert.throws(() => chooseWebSocket({}), /hand one in with the option `webSocket`/);
  });
  it("headers are refused where they could not be sent", () => {
    const before = globalThis.WebSocket;
    globalThis.WebSocket = class {};
    try {
      assert.throws(() => chooseWebSocket({ headers: { a: "b" } }), /headers: a browser sends none/);
      assert.equal(chooseWebSocket({ headers: {} }), globalThis.WebSocket);
    } finally {
      if (before) globalThis.WebSocket = before;
      else delete globalThis.WebSocket;
    }
  });
});

describe("pieces of input", () => {
  for (const [text, bytes] of [
    ["", 4], ["abc", 4], ["abcd", 4], ["abcde", 4], ["éééé", 5], ["🐸🐸🐸", 4], ["🐸a🐸", 7],
    ["x".repeat(5000), 2048], ["日".repeat(2000), 2048],
  ]) {
    it(`of ${text.length} characters in ${bytes} bytes are whole and fit`, () => {
      const cut = [...pieces(text, bytes)];
      assert.equal(cut.join(""), text);
      for (const piece of cut) assert.ok(Buffer.byteLength(piece) <= bytes && piece !== "");
    });
  }
});

describe("new lines of a window", () => {
  const letters = (from, to) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`);
  for (const [what, before, now, added] of [
    ["nothing yet", [], [], []],
    ["first ones", [], ["a", "b"], ["a", "b"]],
    ["nothing new", ["a", "b"], ["a", "b"], []],
    ["grown", ["a"], ["a", "b", "c"], ["b", "c"]],
    ["moved on", letters(0, 1000), letters(10, 1010), letters(1000, 1010)],
    ["moved beyond", letters(0, 1000), letters(2000, 3000), letters(2000, 3000)],
    ["repeats", ["a", "a", "b"], ["a", "b", "a"], ["a"]],
    ["repeats inside", ["a", "b", "a", "b"], ["a", "b", "c"], ["c"]],
    ["a whole match before the end", ["a", "a", "a"], ["a", "a"], []],
    ["back to the start", ["a", "b", "a"], ["a", "b", "a", "c"], ["c"]],
    ["empty lines", ["", ""], ["", "", "a"], ["a"]],
  ]) {
    it(what, () => assert.deepEqual(addedLines(before, now), added));
  }
  it("agree with the plain definition", () => {
    const plain = (before, now) => {
      for (let overlap = Math.min(before.length, now.length); ; overlap -= 1) {
        const end = before.slice(before.length - overlap);
        if (end.every((line, i) => line === now[i])) return now.slice(overlap);
      }
    };
    let seed = 7;
    const draw = (n) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
    for (let round = 0; round < 2000; round += 1) {
      const [before, now] = [0, 1].map(() => Array.from({ length: draw(9) }, () => "ab"[draw(2)]));
      assert.deepEqual(addedLines(before, now), plain(before, now), JSON.stringify({ before, now }));
    }
  });
});

describe("answers of a server", () => {
  it("are read", () => {
    assert.deepEqual(readResult('{"status":"fulfilled","value":[1]}'), { status: "fulfilled", value: [1] });
    assert.deepEqual(readResult('{"status":"fulfilled"}'), { status: "fulfilled", value: undefined });
    assert.deepEqual(readResult('{"status":"rejected","reason":"r"}'), { status: "rejected", reason: "r" });
    assert.deepEqual(readResult('{"status":"rejected"}'), { status: "rejected", reason: "" });
    assert.deepEqual(readStatus('{"result":{"status":"pending"}}'), { result: { status: "pending" } });
    assert.deepEqual(readStatus('{"buffer":"a\\nb","result":{"status":"rejected","reason":"r"}}'),
      { result: { status: "rejected", reason: "r" }, buffer: "a\nb" });
    assert.equal(readId('"an id"\n'), "an id");
  });
  for (const text of ["", "{", "null", "[]", "{}", '{"status":"pending"}', '{"status":"rejected","reason":1}']) {
    it(`are no result: ${text}`, () => assert.throws(() => readResult(text), { code: "malformed_answer" }));
  }
  for (const text of ["null", "{}", '{"result":null}', '{"result":{"status":"gone"}}',
    '{"result":{"status":"pending"},"buffer":1}']) {
    it(`are no status: ${text}`, () => assert.throws(() => readStatus(text), { code: "malformed_answer" }));
  }
  for (const text of ["null", '""', "7", "x"]) {
    it(`are no id: ${text}`, () => assert.throws(() => readId(text), { code: "malformed_answer" }));
  }
  it("calls are checked before they are sent", () => {
    assert.throws(() => checkCall({ call: 1 }), /^TypeError: call/);
    assert.throws(() => checkCall({ call: "a", params: [1] }), /^TypeError: params/);
    assert.throws(() => checkCall({ call: "a", params: null }), /^TypeError: params/);
    assert.deepEqual(checkCall({ call: "a" }), { call: "a" });
  });
});

describe("output", () => {
  const collect = async (reader) => {
    const seen = [];
    for await (const text of reader) seen.push(text);
    return seen;
  };
  const unstoppable = { pause: () => false };

  it("that came before the first reader is kept for it", async () => {
    const output = new Output(100, unstoppable);
    output.push("a");
    const first = output.read();
    output.push("b");
    const second = output.read();
    output.push("c");
    output.end({});
    assert.deepEqual(await collect(first), ["a", "b", "c"]);
    assert.deepEqual(await collect(second), ["c"]);
  });
  it("that nobody reads is kept up to the bound, the end of it", async () => {
    const output = new Output(4, unstoppable);
    for (const text of ["aa", "bb", "cc"]) output.push(text);
    output.end({});
    assert.deepEqual(await collect(output.read()), ["bb", "cc"]);
  });
  it("stops its source for a slow reader, and goes on when that has caught up", async () => {
    const asked = [];
    const output = new Output(4, { pause: (isPaused) => { asked.push(isPaused); return true; } });
    const reader = output.read();
    const first = reader.next();
    for (const text of ["a", "bb", "cc", "dd"]) output.push(text);
    await first;
    assert.deepEqual(asked, [true]);
    await reader.next();
    assert.deepEqual(asked, [true]);
    await reader.next();
    assert.deepEqual(asked, [true, false]);
    assert.equal((await reader.next()).value, "dd");
  });
  it("ends a reader that is too slow for a source nobody can stop", async () => {
    const output = new Output(4, unstoppable);
    const slow = output.read();
    for (const text of ["aa", "bb", "cc", "dd"]) output.push(text);
    const seen = [];
    await assert.rejects(async () => { for await (const text of slow) seen.push(text); },
      { code: "output_overrun" });
    assert.deepEqual(seen, ["aa", "bb", "cc"]);
  });
  it("ends with the error of the session, behind what was queued", async () => {
    const output = new Output(100, unstoppable);
    const reader = output.read();
    output.push("a");
    output.end({ error: new Error("gone") });
    assert.equal((await reader.next()).value, "a");
    await assert.rejects(reader.next(), /gone/);
    assert.equal((await reader.next()).done, true);
  });
  it("of a reader that left counts no more", async () => {
    const asked = [];
    const output = new Output(2, { pause: (isPaused) => { asked.push(isPaused); return true; } });
    const reader = output.read();
    const first = reader.next();
    output.push("a");
    await first;
    output.push("bbb");
    await reader.return();
    assert.deepEqual(asked, [true, false]);
    assert.equal((await reader.next()).done, true);
  });
});
