// What the types promise. Compiled, never run; each line behind @ts-expect-error has to be wrong.
import { connect, type CloseInfo } from "natterjack-client/relay";
import { RestSession, WebsocketSession, type Result, type Session } from "natterjack-client/pow";
import { WebSocket as NodeWebSocket } from "ws";
import { connect as connectInBrowser } from "../dist/relay.js";

interface ChatTopics {
  welcome: { you: string; members: string[] };
  tick: number;
}

export async function topicsAreTyped(): Promise<void> {
  const relay = connect<ChatTopics>("ws://h/");
  const stop: () => void = relay.on("welcome", ({ you, members }) => {
    const text: string = you + members.join();
    // @ts-expect-error a text is no number
    const number: number = you;
  });
  const tick: number = await relay.next("tick", { timeout: 1000 });
  // @ts-expect-error there is no such topic
  relay.on("welcom", () => {});
  // @ts-expect-error a number is nothing to send
  relay.send(3);
  relay.send({ type: "say" });
  relay.send(new Uint8Array(1));
  const close: CloseInfo = await relay.closed;
}

export function topicsMayBeOpen(): void {
  const relay = connect(() => Promise.resolve(new URL("ws://h/")), { reconnect: false });
  relay.on("anything", (data: unknown) => {});
  relay.on("anything", (data) => {
    // @ts-expect-error what it is has to be found out
    data.text;
  });
}

export function anyWebSocketFits(): void {
  connectInBrowser("ws://h/", { webSocket: NodeWebSocket });
  connectInBrowser("ws://h/", { webSocket: WebSocket });
}

export async function sessionsAreAlike(isRest: boolean): Promise<unknown> {
  const Kind = isRest ? RestSession : WebsocketSession;
  const session: Session = new Kind({ url: "http://h/" }, { call: "echo", params: ["a"] });
  for await (const text of session) text.trim();
  const result: Result = await session.wait({ maxWait: 1000 });
  // @ts-expect-error only a process that was fulfilled has a value
  result.value;
  return result.status === "fulfilled" ? result.value : result.reason.length;
}
