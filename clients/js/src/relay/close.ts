// How a connection ended, and whether it makes sense to come again.
//
//   close                                              by default
//   1000, reason matches RETRYABLE_REASON              again: the relay's own ends carry 1000
//   1000 with any other reason                         stop: the hub said goodbye
//   1002 protocol error, 1003, 1008 policy, 1010       stop: it would happen again
//   3000 to 4999, given by the hub's own code          stop
//   everything else (1001, 1006, 1007, 1009, 1011 …)   again: no message is ever sent twice

export interface CloseInfo {
  /** RFC 6455 7.4; 1006 when there was no close frame. */
  readonly code: number;
  readonly reason: string;
  /** Who ended it: close() or the signal, a close frame of the server, or nobody who said so. */
  readonly by: "client" | "server" | "network";
  /** The connection had been open. */
  readonly opened: boolean;
  /** Node: the HTTP status and text of a refused handshake. */
  readonly httpStatus?: number;
  readonly httpBody?: string;
  /** The last close only: queued messages that were never sent. */
  readonly unsent?: number;
}

/** Reasons the relay gives with code 1000 where another one would have said "come again". */
const RETRYABLE_REASON =
  /^(Failed to monitor (new )?target PID|target process exited|slow consumer|message (exceeds .*|too big))$/;
const FINAL_CODES: readonly number[] = [1002, 1003, 1008, 1010];
const REASON_BYTES_MAX = 123;

/** The default of `reconnect.retry`, for those who want to add to it. */
export function shouldRetry(close: CloseInfo): boolean {
  if (close.by === "client") return false;
  if (close.code === 1000) return RETRYABLE_REASON.test(close.reason);
  return !FINAL_CODES.includes(close.code) && close.code < 3000;
}

/**
 * Checks what close() was given.
 * @throws RangeError for a code no client may send, or a reason over 123 bytes of UTF-8
 */
export function checkClose(code: number, reason: string): void {
  if (code !== 1000 && !(Number.isInteger(code) && code >= 3000 && code <= 4999)) {
    throw new RangeError(`close: code ${code} is neither 1000 nor between 3000 and 4999`);
  }
  const bytes = new TextEncoder().encode(reason).length;
  if (bytes > REASON_BYTES_MAX) {
    throw new RangeError(`close: the reason has ${bytes} bytes, at most ${REASON_BYTES_MAX} fit`);
  }
}
