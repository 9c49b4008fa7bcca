// examples/ticker as people use it: prices that move, and a server that comes back.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, newContext, repository, serve, until } from "./support.mjs";

const folder = path.join(repository, "examples/ticker");
let browser;

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

async function open(server, query = "") {
  const page = await (await newContext(browser)).newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(error.message));
  await page.goto(server.origin + "/" + query);
  return page;
}

const prices = (page) => page.locator("#prices tr td:nth-child(2)").allTextContents();
const state = (page) => page.locator("#state").textContent();

test("the prices of all symbols come, and move", async () => {
  const server = await serve(folder);
  const page = await open(server);
  await until(async () => (await prices(page)).length === 3, "three prices");
  const first = await prices(page);
  await until(async () => (await prices(page)).join() !== first.join(), "other prices");
  assert.equal(await state(page), "live");
  assert.deepEqual(page.problems, []);
  await page.close();
  await server.stop();
});

test("a stream that says goodbye for good is not asked for again", async () => {
  const server = await serve(folder);
  const page = await open(server, "?symbols=GOLD");
  await until(async () => /ended: none of these/.test(await state(page)), "the reason");
  await page.close();
  await server.stop();
});

test("the page goes on when the server is back", async () => {
  let server = await serve(folder);
  const port = server.port;
  const page = await open(server, "?symbols=TOAD");
  await until(async () => (await state(page)) === "live", "a stream");
  assert.equal(await server.stop(), 0);
  await until(async () => /lost/.test(await state(page)), "the loss");
  server = await serve(folder, `127.0.0.1:${port}`);
  await until(async () => (await state(page)) === "live", "the stream again");
  assert.deepEqual(page.problems, []);
  await page.close();
  await server.stop();
});
