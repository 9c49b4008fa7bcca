// One job over a websocket with the subprotocol pow-1.
//
//   new Job(url, name, arguments, {started, output, end})
//     started()            it has been called: input may follow
//     output(text)       each piece as it comes
//     end(result)        once: {status: "fulfilled", value} or {status: "rejected", reason}
//   job.send(text)       input
//   job.closeInput()     there will be no more
//   job.cancel()         the first time asks, the second time insists

export class Job {
  constructor(url, name, parameters, { started, output, end }) {
    this.result = null;
    this.socket = new WebSocket(url, "pow-1");
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => {
      this.#control({ call: name, params: parameters });
      started();
    });
    this.socket.addEventListener("message", (event) => {
      if (typeof event.data === "string") output(event.data);
      else this.result = JSON.parse(new TextDecoder().decode(event.data));
    });
    this.socket.addEventListener("close", () => {
      end(this.result ?? { status: "rejected", reason: "the connection was lost" });
    });
  }

  send(text) { this.socket.send(text); }
  closeInput() { this.#control({ signal: "close" }); }
  cancel() { this.#control({ signal: "cancel" }); }

  // Binary messages are control, text is data.
  #control(message) {
    if (this.socket.readyState === WebSocket.OPEN) {
      this.socket.send(new TextEncoder().encode(JSON.stringify(message)));
    }
  }
}
