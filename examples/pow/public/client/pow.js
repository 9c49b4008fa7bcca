// Process Over Websocket: run a named process on a server, over a websocket or over REST.
export { RestSession } from "./pow/rest_session.js";
export { WebsocketSession } from "./pow/websocket_session.js";
export { errAlreadyConnected, errNotConnected, errWaitExceeded, PowError, } from "./pow/errors.js";
