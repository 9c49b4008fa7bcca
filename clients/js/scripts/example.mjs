// `npm run example`: puts the browser's files of process jobs below examples/pow/public/client/, as they
// were compiled. They are committed, so that the example runs without npm; a test compares them.
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
export const from = path.join(root, "dist");
export const to = path.resolve(root, "../../examples/pow/public/client");

/** `pow.js` and all it imports, by their paths in dist/. */
export function filesOfPow() {
  const found = new Set(["pow.js"]);
  for (const file of found) {
    const text = readFileSync(path.join(from, file), "utf8");
    for (const [, name] of text.matchAll(/\bfrom "(\.[^"]+)"/g)) {
      found.add(path.join(path.dirname(file), name));
    }
  }
  return [...found].sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(to, { recursive: true, force: true });
  for (const file of filesOfPow()) {
    mkdirSync(path.dirname(path.join(to, file)), { recursive: true });
    cpSync(path.join(from, file), path.join(to, file));
  }
}
