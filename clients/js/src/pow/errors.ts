// What can go wrong with a session, told apart by `code`. What the process itself made of its call
// is no error but a Result.
//
//   code               when                                                       more
//   already_connected  connect() a second time, errAlreadyConnected
//   not_connected      use before connect(), or after the process has ended; errNotConnected
//   wait_exceeded      wait() took longer than `maxWait`; errWaitExceeded
//   connect_failed     no connection, or the handshake was refused                status, body
//   timeout            connecting, or one REST request, took too long
//   call_too_big       the call does not fit into one message
//   unexpected_status  REST: the answer is not a 200                              status, body
//   malformed_answer   the server sent what the protocol does not know            result
//   unclean_exit       websocket: no closing handshake                            result
//   unexpected_exit    websocket: closed with a code other than 1000              result
//   unexpected_reason  websocket: closed with a reason                            result
//   no_result          websocket: closed without a result
//   output_overrun     the reader of the output was too slow
//   closed             the session was ended by close()

import type { Result } from "./messages.js";

export type PowErrorCode =
  | "already_connected" | "not_connected" | "wait_exceeded" | "connect_failed" | "timeout"
  | "call_too_big" | "unexpected_status" | "malformed_answer" | "unclean_exit"
  | "unexpected_exit" | "unexpected_reason" | "no_result" | "output_overrun" | "closed";

export interface PowErrorDetails extends ErrorOptions {
  /** The HTTP status and the beginning of the body, where there was one. */
  status?: number;
  body?: string;
  /** A result that came before things went wrong. */
  result?: Result | undefined;
}

export class PowError extends Error {
  readonly code: PowErrorCode;
  // Declared only: an error that has none of them does not show them.
  declare readonly status?: number;
  declare readonly body?: string;
  declare readonly result?: Result;

  constructor(code: PowErrorCode, message: string, details: PowErrorDetails = {}) {
    const { status, body, result, ...options } = details;
    super(message, options);
    this.name = "PowError";
    this.code = code;
    if (status !== undefined) this.status = status;
    if (body !== undefined) this.body = body;
    if (result !== undefined) this.result = result;
  }
}

// One object each, so that they can be compared with ===.
export const errAlreadyConnected = /* @__PURE__ */ new PowError("already_connected",
  "connect: the session is or was connected already");
export const errNotConnected = /* @__PURE__ */ new PowError("not_connected",
  "the session is not connected, or its process has ended");
export const errWaitExceeded = /* @__PURE__ */ new PowError("wait_exceeded",
  "wait: the process has not ended within `maxWait`");
