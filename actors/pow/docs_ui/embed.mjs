// Packs the Swagger UI files the docs page needs, for embedding: embed.mjs OUTPUT-FOLDER
// Writes FILE.gz for each and docs_assets.cpp, which takes them in when it is assembled.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

const names = [
  "favicon-16x16.png",
  "favicon-32x32.png",
  "oauth2-redirect.html",
  "oauth2-redirect.js",
  "swagger-ui-bundle.js",
  "swagger-ui-standalone-preset.js",
  "swagger-ui.css",
];

const output = resolve(process.argv[2] ?? ".");
const require = createRequire(join(process.cwd(), "package.json"));
const source = dirname(require.resolve("swagger-ui-dist/package.json"));
mkdirSync(output, { recursive: true });

const assets = names.map((name) => {
  const content = readFileSync(join(source, name));
  const file = join(output, `${name}.gz`);
  writeFileSync(file, gzipSync(content, { level: 9 }));
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 32);
  return { name, file, hash, symbol: `pow_docs_${name.replace(/[^a-z0-9]/gi, "_")}` };
});

const bytes = ({ symbol, file }) => `\
__asm__(".section .rodata\\n.global ${symbol}\\n.global ${symbol}_end\\n"
        "${symbol}:\\n.incbin \\"${file}\\"\\n${symbol}_end:\\n.previous\\n");
extern "C" const char ${symbol}[];
extern "C" const char ${symbol}_end[];
`;
const row = ({ name, symbol, hash }) => `\
      {"${name}", {${symbol}, static_cast<size_t>(${symbol}_end - ${symbol})}, "${hash}"},
`;
writeFileSync(
  join(output, "docs_assets.cpp"),
  `// Made by embed.mjs.
#include "actors/pow/docs_assets.hpp"

${assets.map(bytes).join("\n")}
namespace natterjack::pow {

std::span<const docs_asset> docs_assets() noexcept {
  static const docs_asset assets[] = {
${assets.map(row).join("")}  };
  return assets;
}

} // namespace natterjack::pow
`,
);
