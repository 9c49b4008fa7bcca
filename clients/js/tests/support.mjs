// What the tests share: conditions with a deadline, the real binary, websocket servers of our own.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const binary = process.env.NATTERJACK_BIN ?? path.join(repository, "build/release/natterjack");
const DEADLINE_MS = 40_000; // a loaded machine is slow, not wrong

/** Resolves once `look()` gives something true; fails with the last thing it gave. */
export async function until(look, what) {
  const end = Date.now() + DEADLINE_MS;
  let seen;
  while (Date.now() < end) {
    seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${what} did not happen; last seen: ${JSON.stringify(seen)}`);
}

/** The promise, or a failure that says what did not come in time. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in time`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Starts the binary with these arguments; resolves once its log names the port. */
export async function startNatterjack(...args) {
  const child = spawn(binary, args, { cwd: repository });
  let log = "";
  child.stderr.setEncoding("utf8");
  child.stdout.resume();
  const ended = once(child, "exit").catch(() => []);
  const port = await new Promise((resolve, reject) => {
    const fail = (why) => { clearTimeout(timer); reject(new Error(`${why}; its log:\n${log}`)); };
    const timer = setTimeout(() => { child.kill("SIGKILL"); fail("no port in time"); }, DEADLINE_MS);
    child.on("error", (error) => fail(error.message));
    child.on("exit", (code) => fail(`${binary} ${args.join(" ")} ended with ${code}`));
    child.stderr.on("data", (text) => {
      log += text;
      const found = log.match(/listening on http:\/\/[^\s/]*:(\d+)/);
      if (found) { clearTimeout(timer); resolve(Number(found[1])); }
    });
  });
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    /** Ends it; resolves to the exit code, null after SIGKILL. */
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
      const [code] = await ended;
      clearTimeout(timer);
      return code;
    },
  };
}

/** Whether the binary is there and knows the subcommand: false, or why not, to skip tests with. */
export function lacks(subcommand) {
  const { error, stdout } = spawnSync(binary, [subcommand, "--help"], { encoding: "utf8" });
  if (error && process.env.NATTERJACK_BIN) throw error; // asked for, so it has to be there
  if (error) return `${binary} is not built`;
  // A program that does not know a subcommand explains itself as a whole, and exits with 0.
  const usage = spawnSync(binary, ["--help"], { encoding: "utf8" }).stdout;
  return stdout === usage ? `${binary} has no subcommand "${subcommand}" yet` : false;
}

/** A websocket server on a free port; `serve(socket, request)` is called for each connection. */
export async function startWebsocketServer(serve, options = {}) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  server.on("connection", (socket, request) => {
    socket.on("error", () => {});
    serve(socket, request);
  });
  await once(server, "listening");
  const { port } = server.address();
  return {
    port,
    url: `ws://127.0.0.1:${port}/`,
    sockets: server.clients,
    async stop() {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

/** Fails the test run for anything that nobody caught; call it at the top of a file. */
export function noUnhandledRejections() {
  process.on("unhandledRejection", (why) => { throw why; });
}
