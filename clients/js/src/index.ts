// Everything, for browsers; node/index.ts is the same for Node.

export * from "./pow.js";
export * from "./relay.js";
