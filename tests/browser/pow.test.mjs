// examples/pow as people use it: start a job, watch it, talk to it, end it.
import assert from "node:assert/strict";
import path from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launch, newContext, repository, serve, until } from "./support.mjs";

let browser, server, page;

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

beforeEach(async () => {
  server = await serve(path.join(repository, "examples/pow"));
  page = await open();
});
afterEach(async () => {
  await page.context().close();
  await server.stop();
  assert.deepEqual(page.problems, [], "the page reported errors");
});

async function open(options = {}) {
  const context = await newContext(browser, options);
  const made = await context.newPage();
  made.problems = [];
  made.on("pageerror", (error) => made.problems.push(error.message));
  made.on("console", (line) => {
    if (line.type() === "error" && !/WebSocket|ERR_CONNECTION/.test(line.text())) {
      made.problems.push(line.text());
    }
  });
  await made.goto(server.origin);
  return made;
}

async function start(name, args) {
  await page.getByLabel(name, { exact: false }).first().check();
  if (args !== undefined) await page.getByLabel("Arguments").fill(args);
  await page.getByRole("button", { name: "Start" }).click();
}

const output = () => page.locator("#output").innerText();
const line = (text) => page.locator("#output div", { hasText: text });
const result = (status) => page.locator(`#result[data-status="${status}"]`);

async function say(text) {
  await page.getByRole("textbox", { name: "Input", exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

test("a job shows its progress on one line, in colour, and its result", async () => {
  await start("count", "30 20ms");
  await line(/ \d+ of 30/).waitFor();
  await result("fulfilled").waitFor();
  assert.equal(await page.locator("#result").textContent(), 'Result: {"counted":30}');
  assert.equal(await page.locator("#output div", { hasText: " of 30" }).count(), 1);
  assert.equal(await page.locator('#output [data-colour="2"]').textContent(), "#".repeat(20));
  assert.ok(await page.getByRole("button", { name: "Cancel" }).isDisabled());
});

test("a running job can be cancelled", async () => {
  await start("count", "100000 20ms");
  await line(/ [1-9]\d* of 100000/).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await result("rejected").waitFor();
  assert.match(await page.locator("#result").textContent(), /client requested cancellation/);
  await line("stopped at").waitFor();
  await start("count", "1 1ms");
  await result("fulfilled").waitFor();
});

test("an interactive job asks and gets answers", async () => {
  await start("guess", "10 4");
  await line("Your guess?").waitFor();
  await say("3");
  await line("More.").waitFor();
  await say("4");
  await result("fulfilled").waitFor();
  assert.equal(await page.locator("#result").textContent(), 'Result: {"tries":2}');
});

test("a job that fails says why", async () => {
  await start("fail");
  await result("rejected").waitFor();
  assert.match(await page.locator("#result").textContent(), /the door is locked/);
});

test("a command gets lines until the input is closed", async () => {
  await start("sort");
  await page.locator('#state[data-state="here"]').waitFor();
  for (const word of ["toad", "<b>frog</b>", "newt"]) await say(word);
  await page.getByRole("button", { name: "Close input" }).click();
  await result("fulfilled").waitFor();
  assert.match(await output(), /<b>frog<\/b>\s+newt\s+toad\s*$/);
  assert.equal(await page.locator("#output b").count(), 0);
});

test("a lost server is told", async () => {
  await start("echo");
  await page.locator('#state[data-state="here"]').waitFor();
  const stopped = server.stop();
  await result("rejected").waitFor();
  assert.equal(await stopped, 0);
  assert.ok(await page.getByRole("button", { name: "Start" }).isEnabled());
});

for (const [name, viewport] of Object.entries({
  desktop: { width: 1200, height: 800 }, phone: { width: 320, height: 640 },
})) {
  test(`nothing sticks out on a ${name}`, async () => {
    await page.setViewportSize(viewport);
    await start("echo");
    await page.locator('#state[data-state="here"]').waitFor();
    await say("croak".repeat(60));
    await line("croakcroak").first().waitFor();
    const { width, bottom } = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      bottom: document.getElementById("cancel").getBoundingClientRect().bottom,
    }));
    assert.ok(width <= viewport.width, `${width} px wide on ${viewport.width}`);
    assert.ok(bottom <= viewport.height, "the buttons are in view");
  });
}

/** The lines a terminal shows after these writes, as HTML. */
function shown(...writes) {
  return page.evaluate(async (texts) => {
    const { Terminal } = await import("./terminal.js");
    const element = document.createElement("div");
    const terminal = new Terminal(element);
    for (const text of texts) terminal.write(text);
    return [...element.children].map((each) => each.innerHTML);
  }, writes);
}

test("the terminal keeps apart what is written and what it shows", async () => {
  assert.deepEqual(
    await shown("abc\rX\n\x1b[3", "1mred\x1b[0m plain\tt\n", "\x1b]0;title\x07\x1b[2Kkept\b\bP<i>"),
    ["Xbc", `<span data-colour="1">red</span> plain${" ".repeat(7)}t`, "keP&lt;i&gt;"]);
});

test("the terminal moves, erases and goes back up", async () => {
  assert.deepEqual(await shown("one\ntwo\n", "\x1b[2A\x1b[2CE\x1b[2;1HT"), ["onE", "Two", ""]);
  assert.deepEqual(await shown("12345\x1b[3D\x1b[K"), ["12"]);
  assert.deepEqual(await shown("12345\x1b[3G\x1b[1K"), ["   45"]);
  assert.deepEqual(await shown("a\nb\nc\x1b[A\x1b[J"), ["a", "b", ""]);
  assert.deepEqual(await shown("old\x1b[2J\x1b[Hnew"), ["old", "new"]); // as in a scroll-back
  assert.deepEqual(await shown("\x1b[5A\x1b[9D\x1b[?25l\x1b(B\x1b7x\x1b8y"), ["xy"]);
});

test("the terminal knows all colours, and weights", async () => {
  assert.deepEqual(await shown("\x1b[1;92;44mA\x1b[22;49mB\x1b[mC"), [
    '<span data-colour="10" data-ground="4" class="bold">A</span><span data-colour="10">B</span>C']);
  assert.deepEqual(await shown("\x1b[38;5;31;4mA\x1b[38;2;1;2;3;24mB\x1b[38;5;9mC"), [
    '<span class="underline" style="color: rgb(0, 135, 175);">A</span>' +
    '<span style="color: rgb(1, 2, 3);">B</span><span data-colour="9">C</span>']);
  assert.deepEqual(await shown("\x1b[38;5;999mA\x1b[38;2;1mB\x1b[38mC\x1b[7mD"),
    ['ABC<span class="inverse">D</span>']);
});

test("much output stays on the page only as far as anybody scrolls", async () => {
  const rows = await shown(Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(""));
  assert.equal(rows.length, 2000);
  assert.deepEqual(rows.slice(-2), ["line 4999", ""]);
});
