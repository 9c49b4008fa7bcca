// Everything, for Node.

export * from "./pow.js";
export * from "./relay.js";
