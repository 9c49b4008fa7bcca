// relay.ts for Node: the same, on the websocket of package `ws`.

import {
  connect as connectWith, RelayConnection, type RelayOptions, type RelayUrl,
} from "../relay.js";
import { nodeSocket } from "./socket.js";

export * from "../relay.js";

/** See relay.ts; `headers` are sent, and a heartbeat may do without a message. */
export function connect<Topics extends object = Record<string, unknown>>(
  url: RelayUrl, options: RelayOptions = {}): RelayConnection<Topics> {
  return connectWith<Topics>(url, { webSocket: nodeSocket, ...options });
}
