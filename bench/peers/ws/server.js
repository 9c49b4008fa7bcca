// The benchmark's hub on node and the ws package.  usage: node server.js PORT
//
// Text that starts with `b` goes to every client, any other to its sender, both in the wrapper
// every measured server uses: {"topic":"b","data":"<text>"}. Encoded once for each message.

const { WebSocketServer, WebSocket } = require("ws");

const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error(`expected a port from 1 to 65535, got '${process.argv[2]}'`);
  process.exit(2);
}

const server = new WebSocketServer({
  host: "127.0.0.1",
  port,
  perMessageDeflate: false,
  backlog: 4096,
});

server.on("connection", (client) => {
  client.on("error", () => {});
  client.on("message", (message) => {
    const text = message.toString();
    if (text[0] !== "b") {
      client.send(JSON.stringify({ topic: "e", data: text }));
      return;
    }
    const wrapped = Buffer.from(JSON.stringify({ topic: "b", data: text }));
    for (const each of server.clients) {
      if (each.readyState === WebSocket.OPEN) each.send(wrapped, { binary: false });
    }
  });
});

server.on("listening", () => console.log("listening"));
