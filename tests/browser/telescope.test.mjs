// examples/telescope: the actors of an exchange, commands and their replies, a live model. The broker
// is one of the test's own, by tests/amqp/broker.py.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, newContext, repository, serve, until } from "./support.mjs";

const python = process.env.NATTERJACK_AMQP_PYTHON ?? path.join(repository, "build/amqp-venv/bin/python");
const BROKER = `
import sys, tempfile
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from broker import Broker
with tempfile.TemporaryDirectory() as folder, Broker(folder) as broker:
    print(broker.port, flush=True)
    sys.stdin.read()
`;

let broker, brokerEnded, browser, server, page;
const problems = [];

before(async () => {
  broker = spawn(python, ["-c", BROKER, path.join(repository, "tests/amqp")], { stdio: ["pipe", "pipe", "inherit"] });
  brokerEnded = once(broker, "exit"); // from the start: it may end before anybody asks
  const [port] = await Promise.race([
    once(broker.stdout, "data"),
    brokerEnded.then(([code]) => { throw new Error(`the broker ended with ${code}`); }),
  ]);
  process.env.RABBITMQ_HOST = "127.0.0.1";
  process.env.RABBITMQ_PORT = String(port).trim();
  server = await serve(path.join(repository, "examples/telescope"));
  browser = await launch();
  const context = await newContext(browser, { viewport: { width: 1280, height: 800 } });
  page = await context.newPage();
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(server.origin);
});
after(async () => {
  await browser?.close();
  await server?.stop();
  broker.stdin.end();
  await brokerEnded;
});

const command = (text) => page.locator("#commands > li", { hasText: text }).first();
const model = (actor, key) =>
  page.locator(`.model[data-actor="${actor}"] tr`, { has: page.locator("th", { hasText: new RegExp(`^${key}$`) }) }).locator("td");

async function ask(actor, text) {
  await page.locator("#consumer").selectOption(actor);
  await page.getByPlaceholder("a command").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

test("both actors are listed, with their versions", async () => {
  await page.locator('#state[data-state="up"]').waitFor();
  for (const name of ["mount", "dome"]) {
    const item = page.locator("#actor-list button", { has: page.locator(".name", { hasText: name }) });
    await item.getByText("version 1.0").waitFor();
  }
});

test("a command's replies stand below it, with its status", async () => {
  await ask("mount", "slew 110 60"); // nine seconds: a slow page, too, sees it under way
  const slew = command("mount slew 110 60");
  await slew.locator(".bar").waitFor();
  await page.locator('#commands > li[data-status="done"]', { hasText: "mount slew 110 60" }).waitFor();
  assert.match(await slew.locator(".replies li").last().textContent(), /az 110.*state tracking|state tracking/);
  await ask("mount", "slew 10 3");
  await page.locator('#commands > li[data-status="failed"]', { hasText: "out of reach" }).waitFor();
});

test("the model follows what the actor says", async () => {
  await until(async () => (await model("mount", "alt").textContent()) === "60", "the altitude");
  assert.equal(await model("mount", "state").textContent(), "tracking");
});

test("a chain of two actors is one command", async () => {
  await ask("dome", "observe 50 55");
  const observe = command("dome observe 50 55");
  await page.locator('#commands > li[data-status="done"]', { hasText: "dome observe 50 55" }).waitFor();
  const who = await observe.locator(".replies .who").allTextContents();
  assert.ok(who.includes("mount") && who.includes("dome"));
  await until(async () => (await model("dome", "shutter").textContent()) === "100", "the open shutter");
  if (process.env.SCREENSHOT) {
    await page.screenshot({ path: `${process.env.SCREENSHOT}-light.png` });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: `${process.env.SCREENSHOT}-dark.png` });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${process.env.SCREENSHOT}-phone.png`, fullPage: true });
    await page.setViewportSize({ width: 1280, height: 800 });
  }
});

test("who is not there is said so", async () => {
  await page.getByLabel("Look for another actor").fill("spectrograph");
  await page.getByRole("button", { name: "Look" }).click();
  await page.locator('#commands > li[data-status="failed"]', { hasText: "Failed routing message to consumer 'spectrograph'." }).waitFor();
});

test("nothing sticks out on a phone, and the page reported no errors", async () => {
  await page.setViewportSize({ width: 340, height: 700 });
  const { width, inner } = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth, inner: window.innerWidth }));
  assert.ok(width <= inner, `${width} px wide on ${inner}`);
  assert.deepEqual(problems, []);
});
