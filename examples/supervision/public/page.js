// The page of the supervision example: the toads as they are, and what happened to them.
import { byId, element, open } from "./link.js";

const ENTRIES_MAX = 100;
const WAYS = [
  ["croak", "Croak"], ["raise", "Raise an error"], ["loop", "Loop for ever"],
  ["eat", "Eat all memory"], ["return", "Return"],
];
const cards = new Map(); // name -> card
const lives = new Map(); // name -> lives seen

const link = open("/ws/connect", {
  toads(list) { list.forEach(show); },
  toad(toad) {
    if (lives.get(toad.name) !== toad.lives) note(`${toad.name} is there, life ${toad.lives}`, "good");
    show(toad);
  },
  ended({ name, error }) {
    note(error ? `${name} failed: ${error}` : `${name} returned: done, not started again`, error ? "bad" : "good");
  },
  problem(text) { byId("problem").textContent = text; },
});

function show(toad) {
  lives.set(toad.name, toad.lives);
  let card = cards.get(toad.name);
  if (!card) {
    card = element("li");
    const head = element("header");
    head.append(element("b", "", toad.name), element("small", "pid"));
    const buttons = element("div", "buttons");
    for (const [what, text] of WAYS) {
      const button = element("button", what === "croak" ? "" : "quiet", text);
      button.type = "button";
      button.addEventListener("click", () => {
        byId("problem").textContent = "";
        link.send({ toad: toad.name, what });
      });
      buttons.append(button);
    }
    card.append(head, element("small", "about"), buttons);
    cards.set(toad.name, card);
    byId("toads").append(card);
  }
  card.dataset.alive = toad.alive;
  card.querySelector(".pid").textContent = toad.pid.match(/0x\w+/)?.[0] ?? toad.pid;
  card.querySelector(".pid").title = toad.pid;
  card.querySelector(".about").textContent = toad.alive
    ? `life ${toad.lives}, croaked ${toad.croaks} times in it`
    : toad.error ? `ended: ${toad.error}` : "returned";
  for (const button of card.querySelectorAll("button")) button.disabled = !toad.alive;
}

function note(text, className) {
  const entry = element("li", className);
  entry.append(element("time", "", new Date().toLocaleTimeString()), text);
  byId("log").prepend(entry);
  while (byId("log").childElementCount > ENTRIES_MAX) byId("log").lastElementChild.remove();
}
