// pow.ts for Node: the same, on the websocket of package `ws`.

import {
  WebsocketSession as SessionWith, type Call, type Remote, type WebsocketSessionOptions,
} from "../pow.js";
import { nodeSocket } from "./socket.js";

export * from "../pow.js";

/** See pow/websocket_session.ts; `headers` are sent, and a slow reader slows the process down. */
export class WebsocketSession extends SessionWith {
  constructor(remote: Remote, call: Call, options: WebsocketSessionOptions = {}) {
    super(remote, call, { webSocket: nodeSocket, ...options });
  }
}
