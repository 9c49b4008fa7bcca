// What the browser tests share: the shipped binary on a free port, and one headless Chromium.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { chromium } from "playwright-core";

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.NATTERJACK_BIN ?? path.join(repository, "build/release/natterjack");
const DEADLINE_MS = 20_000;

/** Serves an application folder; resolves once the log names the port. */
export async function serve(folder, listen = "127.0.0.1:0") {
  const child = spawn(binary, ["run", folder, "--listen", listen]);
  let log = "";
  child.stderr.setEncoding("utf8");
  child.stdout.resume();
  const ended = once(child, "exit");
  const port = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${why}; its log:\n${log}`));
    const timer = setTimeout(() => { child.kill("SIGKILL"); fail("no port in time"); }, DEADLINE_MS);
    child.on("error", (error) => { clearTimeout(timer); reject(error); });
    child.on("exit", (code) => { clearTimeout(timer); fail(`the server ended with ${code}`); });
    child.stderr.on("data", (text) => {
      log += text;
      const found = log.match(/listening on http:\/\/[^\s/]*:(\d+)/);
      if (found) { clearTimeout(timer); resolve(Number(found[1])); }
    });
  });
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    /** SIGTERM; resolves to the exit code. */
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
      const [code] = await ended;
      clearTimeout(timer);
      return code;
    },
  };
}

/** Starts Chromium; extra arguments come behind those that keep it to itself. */
export function launch(...args) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    timeout: 120_000,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--disable-dev-shm-usage", ...args,
    ],
  });
}

/** A context of its own (own storage), patient: one loaded machine runs the browser and all else. */
export async function newContext(browser, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60_000);
  return context;
}

/** Resolves once `look()` gives something true; fails with the last thing it gave. */
export async function until(look, what) {
  const end = Date.now() + DEADLINE_MS;
  let seen;
  while (Date.now() < end) {
    seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} did not happen; last seen: ${JSON.stringify(seen)}`);
}
