// Texts from the wire as values, or an error that says what was expected; the call before it is sent.

import { PowError } from "./errors.js";
import type { Call, Result, Status } from "./messages.js";

/** @throws TypeError that names the field */
export function checkCall({ call, params }: Call): Call {
  if (typeof call !== "string") throw new TypeError(`call: ${typeof call} instead of a text`);
  if (params === undefined) return { call };
  if (!Array.isArray(params) || !params.every((each) => typeof each === "string")) {
    throw new TypeError("params: expected an array of texts");
  }
  return { call, params: [...params] };
}

/** @throws PowError `malformed_answer` */
export function readResult(text: string): Result {
  const result = asResult(parse(text, "the result"));
  if (result) return result;
  throw malformed("the result", text, '{"status": "fulfilled" or "rejected", …}');
}

/** @throws PowError `malformed_answer` */
export function readStatus(text: string): Status {
  const value = parse(text, "the status") as { result?: unknown; buffer?: unknown } | null;
  const { result: given, buffer } = value ?? {};
  const isPending = (given as { status?: unknown } | null | undefined)?.status === "pending";
  const result = isPending ? { status: "pending" } as const : asResult(given);
  if (!result || (buffer !== undefined && typeof buffer !== "string")) {
    throw malformed("the status", text, '{"result": {"status": …}, "buffer": text or absent}');
  }
  return buffer === undefined ? { result } : { result, buffer };
}

/** @throws PowError `malformed_answer` */
export function readId(text: string): string {
  const id = parse(text, "the id");
  if (typeof id === "string" && id !== "") return id;
  throw malformed("the id", text, "a JSON string");
}

function asResult(value: unknown): Result | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { status, value: result, reason = "" } = value as Record<string, unknown>;
  if (status === "fulfilled") return { status, value: result };
  if (status === "rejected" && typeof reason === "string") return { status, reason };
  return undefined;
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(what, text, "JSON", cause);
  }
}

function malformed(what: string, text: string, expected: string, cause?: unknown): PowError {
  const found = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return new PowError("malformed_answer", `${what} is ${found}; expected ${expected}`, { cause });
}
