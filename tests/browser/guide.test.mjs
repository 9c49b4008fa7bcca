// The integration guide's own JavaScript, unmodified, in a browser that believes our server to be
// your-server.com. The guide's text lies beside the repository; without it the tests are skipped.
import assert from "node:assert/strict";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, newContext, repository, serve, until } from "./support.mjs";

const HEADING = "# WebSocket Integration Guide";

async function findGuide() {
  const folder = path.join(repository, "../shared/seeds");
  const names = await fs.readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.endsWith(".txt"))) {
    const text = await fs.readFile(path.join(folder, name), "utf8");
    if (text.startsWith(HEADING)) return text;
  }
  return null;
}

const guide = await findGuide();
const skip = guide ? false : "the guide's text (../shared/seeds/*.txt) is not beside this repository";

/** The code block of a section, as it stands between its fences. */
function codeOf(section) {
  const body = guide.split(new RegExp(`^## ${section}\\. `, "m"))[1].split(/^## /m)[0];
  return body.match(/^```\w+\n([\s\S]*?)^```$/m)[1];
}

// A page that loads the guide's script; the guide's YAML stands beside it, untouched.
const PAGE_YAML = `
version: "1.0"
namespace: page
entries:
  - { name: files, kind: fs.directory, directory: ./public }
  - name: static
    kind: http.static
    meta: { server: "system:gateway" }
    path: /
    fs: files
    static_options: { index: index.html }
`;
const PAGE = '<!doctype html><meta charset="utf-8"><title>guide</title><link rel="icon" href="data:,"><script src="guide.js"></script>';

let browser, server, folder;

before(async () => {
  if (skip) return;
  folder = await fs.mkdtemp(path.join(os.tmpdir(), "natterjack-guide-"));
  await fs.mkdir(path.join(folder, "page/public"), { recursive: true });
  for (const [name, text] of Object.entries({
    "ws_auth.lua": codeOf(2),
    "ws_hub_process.lua": codeOf(3),
    "_index.yaml": codeOf(4),
    "page/_index.yaml": PAGE_YAML,
    "page/public/index.html": PAGE,
    "page/public/guide.js": codeOf(5),
  })) await fs.writeFile(path.join(folder, name), text);
  server = await serve(folder);
  browser = await launch(`--host-resolver-rules=MAP your-server.com:80 127.0.0.1:${server.port}`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  if (folder) await fs.rm(folder, { recursive: true });
});

/** A tab with the guide's script running, and what it wrote on the console. */
async function open() {
  const page = await (await newContext(browser)).newPage();
  page.lines = [];
  page.on("console", (line) => page.lines.push(line.text()));
  page.on("pageerror", (error) => page.lines.push(`error: ${error.message}`));
  await page.goto("http://your-server.com/");
  await logged(page, "Welcome message: Connected successfully");
  return page;
}

const logged = (page, line) => until(async () => page.lines.includes(line), `"${line}" in ${page.lines}`);

test("the guide's client connects, is welcomed, chats and leaves", { skip }, async () => {
  const first = await open();
  await logged(first, "Connected to server");
  const second = await open();

  await first.evaluate(() => sendChat("Hello from the first"));
  await logged(second, "Anonymous: Hello from the first");
  await logged(first, "Anonymous: Hello from the first");
  await second.evaluate(() => sendChat("And from the second"));
  await logged(first, "Anonymous: And from the second");

  await first.evaluate(() =>
    socket.send(JSON.stringify({ type: "command", command: "broadcast", message: "to all" })));
  await logged(second, "BROADCAST: to all");

  const closed = await second.evaluate(() => new Promise((resolve) => {
    socket.addEventListener("close", (event) => resolve([event.wasClean, event.code]));
    disconnect();
  }));
  assert.equal(closed[0], true, "a clean close");
  assert.ok([1000, 1005].includes(closed[1]));
  await first.evaluate(() => sendChat("alone"));
  await logged(first, "Anonymous: alone");
  for (const page of [first, second]) {
    assert.deepEqual(page.lines.filter((line) => line.startsWith("error:")), []);
  }
});
