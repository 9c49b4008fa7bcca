// Messages given to send() while there is no connection: in order, bounded by number and by bytes.

import { RelayError } from "./errors.js";

/** Text goes out as a text frame, bytes as a binary one, any other object as its JSON text. */
export type Sendable = string | object;
export type Wire = string | ArrayBuffer | ArrayBufferView;

export interface QueueOptions {
  /** Default 1000. */
  messages?: number;
  /** Of UTF-8. Default 1 MiB. */
  bytes?: number;
  /** `throw` (default) refuses the message, the others lose one in silence. */
  whenFull?: "throw" | "drop-oldest" | "drop-newest";
}

const encoder = /* @__PURE__ */ new TextEncoder();

/** @throws TypeError for what is neither text, bytes nor an object JSON knows */
export function toWire(data: Sendable): Wire {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return data;
  const text: string | undefined =
    typeof data === "object" && data !== null ? JSON.stringify(data) : undefined;
  if (text !== undefined) return text;
  const found = data === null ? "null" : typeof data;
  throw new TypeError(`send: expected text, bytes or an object to encode as JSON, not ${found}`);
}

export class Outbox {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  readonly #whenFull: "throw" | "drop-oldest" | "drop-newest";
  readonly #messages: { data: Wire; bytes: number }[] = [];
  #bytes = 0;

  constructor(options: QueueOptions) {
    this.#messagesMax = options.messages ?? 1000;
    this.#bytesMax = options.bytes ?? 1 << 20;
    this.#whenFull = options.whenFull ?? "throw";
  }

  get length(): number {
    return this.#messages.length;
  }

  /**
   * @returns false if the message was dropped
   * @throws RelayError `queue_full`
   */
  push(data: Wire): boolean {
    const bytes = typeof data === "string" ? encoder.encode(data).length : data.byteLength;
    const fits = () =>
      this.#messages.length < this.#messagesMax && this.#bytes + bytes <= this.#bytesMax;
    if (this.#whenFull === "drop-oldest" && bytes <= this.#bytesMax && this.#messagesMax > 0) {
      while (!fits()) this.shift();
    }
    if (!fits()) {
      if (this.#whenFull !== "throw") return false;
      throw new RelayError("queue_full", `not connected, and ${this.#messages.length} messages ` +
        `(${this.#bytes} bytes) wait already; the bounds are ${this.#messagesMax} messages and ` +
        `${this.#bytesMax} bytes`);
    }
    this.#messages.push({ data, bytes });
    this.#bytes += bytes;
    return true;
  }

  shift(): Wire | undefined {
    const first = this.#messages.shift();
    this.#bytes -= first?.bytes ?? 0;
    return first?.data;
  }

  /** @returns how many were thrown away */
  clear(): number {
    this.#bytes = 0;
    return this.#messages.splice(0).length;
  }
}
