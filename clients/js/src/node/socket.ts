// The websocket of package `ws`, which Node 20 has none of its own to replace.

import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { Refusal, SocketLike, WebSocketConstructor } from "../socket.js";

const BODY_BYTES_MAX = 1024;
const BODY_MS_MAX = 1000;

class NodeSocket extends WebSocket {
  onalive: (() => void) | null = null;
  refusal: Refusal | undefined;

  constructor(url: string, protocols?: string | string[], options: object = {}) {
    // Frames are short and many: compression would cost each connection more than it saves.
    super(url, protocols, { perMessageDeflate: false, ...options });
    this.on("ping", () => this.onalive?.());
    this.on("pong", () => this.onalive?.());
    this.on("unexpected-response", (_request: unknown, response: IncomingMessage) => {
      this.#readRefusal(response);
    });
  }

  // Keeps what the server said, then lets the socket fail as it would have done.
  #readRefusal(response: IncomingMessage): void {
    const pieces: Buffer[] = [];
    let bytes = 0;
    let isDone = false;
    const done = () => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      const body = Buffer.concat(pieces).subarray(0, BODY_BYTES_MAX).toString();
      this.refusal = { status: response.statusCode ?? 0, body };
      this.terminate();
    };
    const timer = setTimeout(done, BODY_MS_MAX);
    response.on("data", (piece: Buffer) => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= BODY_BYTES_MAX) done();
    });
    response.on("end", done).on("close", done).on("error", done);
  }
}

export const nodeSocket: WebSocketConstructor =
  NodeSocket as unknown as new (...args: ConstructorParameters<WebSocketConstructor>) => SocketLike;
