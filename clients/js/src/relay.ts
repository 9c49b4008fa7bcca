// The relay: connect to a hub, hear its topics, send it messages.

import { RelayConnection, type RelayOptions, type RelayUrl } from "./relay/connection.js";

export { RelayConnection } from "./relay/connection.js";
export type {
  ReconnectOptions, RelayOptions, RelayState, RelayUrl, SendResult, StateChange, WaitOptions,
} from "./relay/connection.js";
export { shouldRetry, type CloseInfo } from "./relay/close.js";
export { RelayError, type RelayErrorCode } from "./relay/errors.js";
export type { BackoffOptions } from "./relay/backoff.js";
export type { HeartbeatOptions } from "./relay/heartbeat.js";
export type { ListenOptions, Unsubscribe } from "./relay/listeners.js";
export type { QueueOptions, Sendable } from "./relay/outbox.js";
export type { Refusal, SocketLike, WebSocketConstructor } from "./socket.js";

/**
 * Starts connecting and returns at once; ready() waits for the connection.
 * @typeParam Topics  what the hub sends, as an object type: topic -> data
 * @param url  ws:, wss:, http: or https:; relative ones in a browser only
 * @throws TypeError for a wrong URL or option, RangeError for a number out of bounds, the reason
 *   of a signal that has fired already
 */
export function connect<Topics extends object = Record<string, unknown>>(
  url: RelayUrl, options: RelayOptions = {}): RelayConnection<Topics> {
  return new RelayConnection<Topics>(url, options);
}
