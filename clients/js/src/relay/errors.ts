// What can go wrong with a relay connection, told apart by `code`.
//
//   code               when                                           reaches
//   malformed_frame    a frame is not {"topic": text, "data": any}    onError
//   connect_failed     no connection; `close.httpStatus` may say why  onError
//   connect_timeout    no connection within `connectTimeout`          onError
//   heartbeat_timeout  silence, also after a probe                    onError
//   handler_failed     a handler threw; `cause` is what it threw      onError
//   queue_full         not connected, and the queue is at its bound   send() throws
//   closed             the connection has ended for good              send(), ready(), next()
//   timeout            nothing within the time given                  ready(), next()

export type RelayErrorCode =
  | "malformed_frame" | "connect_failed" | "connect_timeout" | "heartbeat_timeout"
  | "handler_failed" | "queue_full" | "closed" | "timeout";

export class RelayError extends Error {
  readonly code: RelayErrorCode;

  constructor(code: RelayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RelayError";
    this.code = code;
  }
}
