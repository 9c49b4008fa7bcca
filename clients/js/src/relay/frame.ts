// A frame of the relay: one text message, {"topic": text, "data": any JSON value}.

import { RelayError } from "./errors.js";

export interface Frame {
  readonly topic: string;
  readonly data: unknown;
}

const EXCERPT_CHARACTERS_MAX = 120;

/**
 * Reads what a websocket message event carried. Fields besides the two are let be.
 * @throws RelayError `malformed_frame` that says what was found and what was expected
 */
export function readFrame(message: unknown): Frame {
  if (typeof message !== "string") throw malformed("a binary message");
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch (cause) {
    throw malformed(`no JSON (${excerpt(message)})`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(`no object (${excerpt(message)})`);
  }
  const { topic, data } = value as Partial<Frame>;
  if (typeof topic !== "string") throw malformed(`no text as topic (${excerpt(message)})`);
  if (data === undefined) throw malformed(`no data (${excerpt(message)})`);
  return { topic, data };
}

function malformed(found: string, cause?: unknown): RelayError {
  return new RelayError("malformed_frame",
    `the server sent ${found}; expected {"topic": text, "data": value}`, { cause });
}

function excerpt(text: string): string {
  return text.length <= EXCERPT_CHARACTERS_MAX
    ? text : `${text.slice(0, EXCERPT_CHARACTERS_MAX)}… ${text.length} characters`;
}
