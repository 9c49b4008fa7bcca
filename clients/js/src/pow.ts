// Process Over Websocket: run a named process on a server, over a websocket or over REST.

export { RestSession, type RestSessionOptions, type RestWaitOptions } from "./pow/rest_session.js";
export { WebsocketSession, type WebsocketSessionOptions } from "./pow/websocket_session.js";
export {
  errAlreadyConnected, errNotConnected, errWaitExceeded, PowError, type PowErrorCode,
} from "./pow/errors.js";
export type { Call, Result, Status } from "./pow/messages.js";
export type { ConnectOptions, Remote, Session, SessionWaitOptions } from "./pow/session.js";
export type { Refusal, SocketLike, WebSocketConstructor } from "./socket.js";
