// What goes over the wire as JSON: the call, the result, the status document.

/** Which process to run, and with what. Without `params` it gets no arguments at all. */
export interface Call {
  readonly call: string;
  readonly params?: readonly string[];
}

/** How a process ended. */
export type Result =
  | { readonly status: "fulfilled"; readonly value: unknown }
  | { readonly status: "rejected"; readonly reason: string };

/** REST: a process as it is now. */
export interface Status {
  readonly result: Result | { readonly status: "pending" };
  /** The last lines of output, joined by newlines; absent if there are none. */
  readonly buffer?: string;
}
