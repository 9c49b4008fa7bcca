// examples/pow as people use it: start a job, watch it, talk to it, end it.
import assert from "node:assert/strict";
import path from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { launch, repository, serve, until } from "./support.mjs";

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
  const context = await browser.newContext(options);
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

test("the terminal keeps apart what is written and what it shows", async () => {
  const shown = await page.evaluate(async () => {
    const { Terminal } = await import("./terminal.js");
    const element = document.createElement("div");
    const terminal = new Terminal(element);
    terminal.write("abc\rX\n\x1b[3");
    terminal.write("1mred\x1b[0m plain\tt\n");
    terminal.write("\x1b]0;title\x07\x1b[2Kkept\b\bP<i>");
    return [...element.children].map((each) => each.innerHTML);
  });
  assert.deepEqual(shown, [
    "Xbc", `<span data-colour="1">red</span> plain${" ".repeat(7)}t`,
    "keP&lt;i&gt;",
  ]);
});
