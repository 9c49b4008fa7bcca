// examples/chat as people use it: two tabs, two names, two rooms.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, beforeEach, afterEach, test } from "node:test";
import { launch, newContext, repository, serve, until } from "./support.mjs";

const folder = path.join(repository, "examples/chat");
let browser, server, tabs;

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

beforeEach(async () => {
  tabs = [];
  server = await serve(folder);
});
afterEach(async () => {
  for (const tab of tabs) await tab.context().close();
  await server.stop();
  for (const tab of tabs) assert.deepEqual(tab.problems, [], "the page reported errors");
});

/** A tab of its own (own storage), with its errors collected. */
async function open(options = {}) {
  const context = await newContext(browser, options);
  const page = await context.newPage();
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("console", (line) => {
    // A lost server is no error of the page; the browser reports it by itself.
    if (line.type() === "error" && !/WebSocket|ERR_CONNECTION/.test(line.text())) {
      page.problems.push(line.text());
    }
  });
  await page.goto(server.origin);
  tabs.push(page);
  return page;
}

async function enter(nick, options) {
  const page = await open(options);
  await page.getByLabel("Your nick name").fill(nick);
  await page.getByRole("button", { name: "Come in" }).click();
  await connected(page);
  return page;
}

const connected = (page) => page.locator('#state[data-state="here"]').waitFor();
const entry = (page, text) => page.locator("#log li", { hasText: text });
const members = (page) => page.locator("#members li").allTextContents();

async function say(page, text) {
  await page.getByLabel("Your message").fill(text);
  await page.getByLabel("Your message").press("Enter");
}

test("two tabs see each other come, speak and leave", async () => {
  const ada = await enter("ada");
  const bufo = await enter("bufo");
  await entry(ada, "bufo came in.").waitFor();
  assert.deepEqual(await members(ada), ["ada (you)", "bufo"]);
  assert.deepEqual(await members(bufo), ["ada", "bufo (you)"]);

  await say(ada, "Is the water warm?");
  const heard = entry(bufo, "Is the water warm?");
  await heard.waitFor();
  assert.equal(await heard.locator(".who").textContent(), "ada");
  assert.match(await heard.locator("time").getAttribute("datetime"), /^\d{4}-\d\d-\d\dT/);
  assert.equal(await entry(ada, "Is the water warm?").locator(".who").textContent(), "You");

  await bufo.getByLabel("Your message").fill("Come and see!");
  await bufo.getByRole("button", { name: "Send" }).click();
  await entry(ada, "Come and see!").waitFor();

  await bufo.close();
  await entry(ada, "bufo left.").waitFor();
  assert.deepEqual(await members(ada), ["ada (you)"]);
});

test("who changes the room takes the connection along", async () => {
  const ada = await enter("ada");
  const bufo = await enter("bufo");
  const sockets = [];
  ada.on("websocket", (socket) => sockets.push(socket));

  await ada.getByRole("button", { name: "Lounge" }).click();
  await entry(ada, "You are in the lounge.").waitFor();
  await entry(bufo, "ada went to the lounge.").waitFor();
  assert.equal(await ada.getByRole("button", { name: "Lounge" }).getAttribute("aria-current"), "true");
  assert.deepEqual(await members(ada), ["ada (you)"]);
  assert.deepEqual(await members(bufo), ["bufo (you)"]);

  await say(bufo, "only for the lobby");
  await entry(bufo, "only for the lobby").waitFor();
  await bufo.getByRole("button", { name: "Lounge" }).click();
  await entry(ada, "bufo came in.").nth(1).waitFor(); // the first time was in the lobby
  await say(bufo, "here as well");
  await entry(ada, "here as well").waitFor();
  assert.equal(await entry(ada, "only for the lobby").count(), 0);
  assert.equal(sockets.length, 0, "no second websocket was opened");
});

test("what people type is text, whatever it looks like", async () => {
  const ada = await enter("<i>ada</i>");
  const bufo = await enter("bufo");
  const text = "<img src=x onerror=\"document.title='owned'\"> & <script>1</script>\nsecond line";
  await ada.getByLabel("Your message").fill(text);
  await ada.getByLabel("Your message").press("Enter");
  const heard = entry(bufo, "second line");
  await heard.waitFor();
  assert.equal(await heard.locator("p").textContent(), text);
  assert.equal(await heard.locator(".who").textContent(), "<i>ada</i>");
  assert.equal(await bufo.locator("#log img, #log script, #log i").count(), 0);
  assert.equal(await bufo.title(), "Natterjack chat");
});

test("a name is asked for, and remembered", async () => {
  const page = await open();
  await page.getByRole("button", { name: "Come in" }).click();
  assert.match(await page.locator("#nick-problem").textContent(), /name/i);
  await page.getByLabel("Your nick name").fill("ada");
  await page.getByLabel("Your nick name").press("Enter");
  await connected(page);
  await page.reload();
  assert.equal(await page.getByLabel("Your nick name").inputValue(), "ada");
});

test("the talk follows a reader at its end and leaves one further up in peace", async () => {
  const ada = await enter("ada");
  const bufo = await enter("bufo", { viewport: { width: 900, height: 420 } });
  const scroll = bufo.locator("#scroll");
  const distance = () => scroll.evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
  for (let number = 1; number <= 20; number += 1) await say(ada, `line ${number}.`);
  await entry(bufo, "line 20.").waitFor();
  await until(async () => await distance() < 48, "the end coming into view");

  await scroll.evaluate((e) => { e.scrollTop = 0; });
  await say(ada, "line 21.");
  await entry(bufo, "line 21.").waitFor({ state: "attached" });
  assert.equal(await scroll.evaluate((e) => e.scrollTop), 0);
  await bufo.getByRole("button", { name: "New messages below" }).click();
  await until(async () => await distance() < 48, "scrolling to the end");
  await until(async () => bufo.locator("#newer").isHidden(), "the button going away");
});

test("a lost server is shown, and the page comes back by itself, to the same room", async () => {
  const ada = await enter("ada");
  await ada.getByRole("button", { name: "Lounge" }).click();
  await entry(ada, "You are in the lounge.").waitFor();

  const { port } = server;
  assert.equal(await server.stop(), 0);
  await ada.locator('#state[data-state="lost"]').waitFor();
  assert.ok(await ada.getByRole("button", { name: "Send" }).isDisabled());

  server = await serve(folder, `127.0.0.1:${port}`);
  await connected(ada);
  await entry(ada, "Back in the lounge.").waitFor();
  await say(ada, "here again");
  await entry(ada, "here again").waitFor();
});

for (const [name, viewport] of Object.entries({
  desktop: { width: 1200, height: 800 }, tablet: { width: 760, height: 1000 },
  phone: { width: 320, height: 560 },
})) {
  test(`nothing sticks out on a ${name}`, async () => {
    const page = await enter("a-very-long-nick-name-24", { viewport });
    await say(page, "croak".repeat(60));
    await entry(page, "croak").waitFor();
    const { width, inner, field } = await page.evaluate(() => ({
      width: document.documentElement.scrollWidth,
      inner: window.innerWidth,
      field: document.getElementById("text").getBoundingClientRect(),
    }));
    assert.ok(width <= inner, `${width} px wide on ${inner}`);
    assert.ok(field.bottom <= viewport.height, "the field to write in is in view");
  });
}
