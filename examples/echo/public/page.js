// The page of the echo: says something, shows what came back and how long it was on its way.
import { byId, element, open } from "./link.js";

const ENTRIES_MAX = 200; // older ones leave the page
const waiting = [];      // moments of what was said and has not come back; answers keep the order

const link = open("/ws/connect", {
  open() { byId("send").disabled = false; },
  lost() { byId("send").disabled = true; waiting.length = 0; },
  echo(data) {
    const took = performance.now() - waiting.shift();
    add("back", data, `echo after ${took.toFixed(1)} ms`);
  },
});

function add(className, text, about) {
  const entry = element("li", className, text);
  entry.append(element("small", "", about));
  byId("log").append(entry);
  while (byId("log").childElementCount > ENTRIES_MAX) byId("log").firstElementChild.remove();
  entry.scrollIntoView({ block: "end" });
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value;
  if (!text) return;
  waiting.push(performance.now());
  if (!link.send(text)) return void waiting.pop();
  add("out", text, "sent");
  byId("text").value = "";
});
