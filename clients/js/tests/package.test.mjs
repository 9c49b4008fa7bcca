// What the package gives to whom.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as everything from "natterjack-client";
import * as pow from "natterjack-client/pow";
import * as relay from "natterjack-client/relay";
import * as browser from "../dist/index.js";
import { filesOfPow, from, to } from "../scripts/example.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const description = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));

describe("the package", () => {
  it("gives the same names everywhere", () => {
    const names = Object.keys(everything).sort();
    assert.deepEqual(names, Object.keys(browser).sort());
    assert.deepEqual(names, [...new Set([...Object.keys(pow), ...Object.keys(relay)])].sort());
    assert.deepEqual(names, ["PowError", "RelayConnection", "RelayError", "RestSession",
      "WebsocketSession", "connect", "errAlreadyConnected", "errNotConnected", "errWaitExceeded",
      "shouldRetry"]);
  });

  it("gives Node its own websocket, and shares the rest", () => {
    assert.notEqual(everything.connect, browser.connect);
    assert.equal(everything.errNotConnected, browser.errNotConnected);
    assert.ok(new everything.WebsocketSession({ url: "ws://h/" }, { call: "a" }) instanceof
      browser.WebsocketSession);
  });

  it("has a file and a declaration behind every export", () => {
    const files = Object.values(description.exports)
      .flatMap((entry) => typeof entry === "string" ? entry : Object.values(entry).flatMap(Object.values));
    for (const file of files) readFileSync(path.join(root, file));
    assert.equal(files.length, 3 * 3 * 2 + 1);
  });

  it("is what the example serves (npm run example)", () => {
    const committed = readdirSync(to, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(to, path.join(entry.parentPath ?? entry.path, entry.name)));
    assert.deepEqual(committed.sort(), filesOfPow());
    for (const file of committed) {
      assert.equal(readFileSync(path.join(to, file), "utf8"), readFileSync(path.join(from, file), "utf8"), file);
    }
  });

  it("imports nothing but its own files in a browser", () => {
    const files = readdirSync(path.join(root, "dist"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".js"))
      .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
      .filter((file) => !file.includes(`${path.sep}node${path.sep}`));
    assert.ok(files.length > 10);
    for (const file of files) {
      const imports = [...readFileSync(file, "utf8").matchAll(/\bfrom "([^"]+)"/g)];
      for (const [, name] of imports) assert.match(name, /^\.\.?\/[\w/]+\.js$/, `${file}: ${name}`);
    }
  });
});
