// The pages of the small examples as people use them, on a desktop and on a phone.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, newContext, repository, serve, until } from "./support.mjs";

const sizes = { desktop: { width: 1200, height: 800 }, phone: { width: 360, height: 640 } };
let browser;

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

/** Runs `use(open)` against an example; open() gives a page of its own. No page may report an error. */
async function at(example, use) {
  const server = await serve(path.join(repository, "examples", example));
  const pages = [];
  const open = async (viewport = sizes.desktop) => {
    const page = await (await newContext(browser, { viewport })).newPage();
    page.problems = [];
    page.on("pageerror", (error) => page.problems.push(error.message));
    page.on("console", (line) => { if (line.type() === "error") page.problems.push(line.text()); });
    await page.goto(server.origin);
    pages.push(page);
    return page;
  };
  try {
    await use(open);
    for (const page of pages) {
      const name = process.env.SHOTS && `${process.env.SHOTS}/${example}-${pages.indexOf(page)}.png`;
      if (name) await page.screenshot({ path: name });
      const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(width <= inner, `${example}: ${width} px wide on ${inner}`);
      assert.deepEqual(page.problems, [], "the page reported errors");
    }
  } finally {
    for (const page of pages) await page.context().close();
    await server.stop();
  }
}

const connected = (page) => page.locator('#state[data-state="here"]').waitFor();

test("echo: what is said comes back", () => at("echo", async (open) => {
  for (const viewport of Object.values(sizes)) {
    const page = await open(viewport);
    await connected(page);
    for (const text of ["Is anybody there?", "<b>croak</b> ".repeat(20)]) {
      await page.getByLabel("Your message").fill(text);
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator("#log .back", { hasText: text.trim() }).waitFor();
    }
    assert.equal(await page.locator("#log li").count(), 4);
  }
}));

test("rooms: people see who is where, and in which state", () => at("rooms", async (open) => {
  const come = async (nick, room, viewport) => {
    const page = await open(viewport);
    await page.getByLabel("Your nick name").fill(nick);
    await page.getByRole("button", { name: "Come in" }).click();
    await connected(page);
    await page.getByLabel("Another room").fill(room);
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await page.locator("#here", { hasText: room }).waitFor();
    return page;
  };
  const ada = await come("ada", "pond");
  const bufo = await come("bufo", "pond", sizes.phone);
  await ada.locator('#members [data-state="here"]', { hasText: "bufo" }).waitFor();
  await bufo.getByLabel("Your message").pressSequentially("hello");
  await ada.locator('#members [data-state="typing"]', { hasText: "bufo" }).waitFor();
  await bufo.getByRole("button", { name: "Send" }).click();
  await ada.locator("#log li", { hasText: "hello" }).waitFor();
  await ada.locator('#members [data-state="here"]', { hasText: "bufo" }).waitFor();
  await bufo.getByLabel("Another room").fill("meadow");
  await bufo.getByRole("button", { name: "Go", exact: true }).click();
  await ada.locator("#log li", { hasText: "bufo left." }).waitFor();
  await ada.locator("#rooms button", { hasText: "meadow" }).waitFor();
}));

test("game: a toad swims where its player wants, on every screen", () => at("game", async (open) => {
  const players = [];
  for (const [name, viewport] of [["ada", sizes.desktop], ["bufo", sizes.phone]]) {
    const page = await open(viewport);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Jump in" }).click();
    await connected(page);
    players.push(page);
  }
  await players[0].locator('body[data-toads="2"]').waitFor();
  const tick = (page) => page.evaluate(() => Number(document.body.dataset.tick ?? 0));
  const first = await until(() => tick(players[0]), "the first tick");
  await players[0].keyboard.down("ArrowRight");
  await until(async () => await tick(players[0]) > first + 10, "ten ticks");
  await players[0].keyboard.up("ArrowRight");
  assert.equal(await players[1].locator("#scores li").count(), 2);
}));

test("worker pool: jobs are done, also when a worker fails", () => at("worker_pool", async (open) => {
  const page = await open(), phone = await open(sizes.phone);
  await connected(page);
  await connected(phone);
  await page.getByLabel("Count the primes").selectOption("400000");
  await page.getByRole("button", { name: "Ten of them" }).click();
  await page.locator('#jobs [data-state="runs"]').first().waitFor();
  await page.getByRole("button", { name: "Make it fail" }).nth(1).click();
  await phone.locator("#workers .counts", { hasText: "1 failures" }).waitFor();
  await page.locator('#jobs [data-state="done"]', { hasText: "33,860" }).nth(3).waitFor();
}));

test("supervision: one toad fails and comes back, the others stay", () => at("supervision", async (open) => {
  const page = await open(), phone = await open(sizes.phone);
  await connected(phone);
  const card = (name) => page.locator("#toads li", { has: page.getByText(name, { exact: true }) });
  await card("cleo").getByRole("button", { name: "Croak" }).click();
  await card("cleo").getByText("croaked 1 times").waitFor();
  await card("ada").getByRole("button", { name: "Raise an error" }).click();
  await page.locator("#log .bad", { hasText: "ada failed" }).waitFor();
  await phone.locator("#log .good", { hasText: "ada is there, life 2" }).waitFor();
  await card("cleo").getByText("life 1, croaked 1 times").waitFor();
}));
