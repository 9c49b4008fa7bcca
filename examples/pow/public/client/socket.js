// The websocket this client works on: the browser's own, or a constructor that was handed in.
//
//   where            constructor                       headers   pings
//   browser, worker  globalThis.WebSocket              no        no
//   Node             node/socket.ts, on package `ws`   yes       yes
//   anywhere         option `webSocket`                its own affair
/** WebSocket.readyState. */
export const READY = { connecting: 0, open: 1, closing: 2, closed: 3 };
/**
 * The constructor to use.
 * @throws Error when there is none, TypeError for headers that a browser could not send
 */
export function chooseWebSocket(options) {
    const builtIn = globalThis.WebSocket;
    const chosen = options.webSocket ?? builtIn;
    if (!chosen) {
        throw new Error("there is no WebSocket here: hand one in with the option `webSocket`");
    }
    if (chosen === builtIn && Object.keys(options.headers ?? {}).length > 0) {
        throw new TypeError("headers: a browser sends none with a websocket handshake; " +
            "use a cookie or the query of the URL");
    }
    return chosen;
}
/** Opens a socket without handlers; whatever the constructor throws comes through. */
export function openSocket(constructor, url, options, protocols) {
    const { headers } = options;
    const socket = headers && Object.keys(headers).length > 0
        ? new constructor(url, protocols ?? [], { headers })
        : new constructor(url, protocols ?? []);
    socket.binaryType = "arraybuffer";
    return socket;
}
/**
 * Lets go of a socket: nothing of it is heard any more.
 * Its error handler stays, as an error event nobody listens to ends a Node process.
 * @param graceMs  how long an open one may take for its closing handshake; 0 for none
 */
export function abandonSocket(socket, graceMs = 0) {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onalive = null;
    socket.onerror = () => { };
    if (socket.readyState === READY.closed)
        return;
    if (!socket.terminate)
        return socket.close();
    if (socket.readyState !== READY.open || graceMs <= 0)
        return socket.terminate();
    const timer = setTimeout(() => socket.terminate?.(), graceMs);
    socket.onclose = () => clearTimeout(timer);
    socket.resume?.();
    socket.close(1000);
}
/**
 * A URL a WebSocket takes: absolute, with the scheme ws or wss, without a fragment. In a browser a
 * relative URL is resolved against the page.
 * @throws TypeError that names the URL
 */
export function websocketUrl(url) {
    const parsed = absoluteUrl(url);
    parsed.protocol = parsed.protocol.replace(/^http/, "ws");
    if (parsed.protocol !== "ws:" && parsed.protocol !== "wss:") {
        throw new TypeError(`url: "${url}" has the scheme ${parsed.protocol} ` +
            "instead of ws:, wss:, http: or https:");
    }
    parsed.hash = "";
    return parsed.href;
}
/** @throws TypeError that names the URL */
export function absoluteUrl(url) {
    const page = globalThis.location?.href;
    try {
        return new URL(url, page);
    }
    catch {
        throw new TypeError(`url: "${url}" is not an absolute URL such as ws://127.0.0.1:8082/path`);
    }
}
