// The page of the rooms: which there are, who is in mine and in which state, what is said.
import { byId, element, open } from "./link.js";

const ENTRIES_MAX = 300;
let link = null, room = "", you = "";
let states = new Map(); // nick -> state

const topics = {
  open() { if (room) link.send({ enter: room }); }, // back where we were when the link was lost
  lost() { states.clear(); showMembers(); allow(false); },
  rooms(list) {
    byId("rooms").replaceChildren(...list.map(({ name, members }) => {
      const button = element("button", "", name);
      button.type = "button";
      button.setAttribute("aria-current", name === room);
      button.append(element("span", "", String(members)));
      button.addEventListener("click", () => enter(name));
      const item = element("li");
      item.append(button);
      return item;
    }));
  },
  welcome(data) {
    if (data.room !== room || !byId("log").childElementCount) byId("log").replaceChildren();
    room = data.room;
    you = data.you;
    states = new Map(data.members.map(({ nick, state }) => [nick, state]));
    byId("here").textContent = room;
    for (const button of byId("rooms").querySelectorAll("button")) {
      button.setAttribute("aria-current", button.firstChild.data === room);
    }
    notice(`You are in ${room} as ${you}.`);
    showMembers();
    allow(true);
  },
  presence({ nick, state }) {
    if (state === "gone") notice(`${nick} left.`);
    else if (!states.has(nick)) notice(`${nick} came in.`);
    if (state === "gone") states.delete(nick);
    else states.set(nick, state);
    showMembers();
  },
  said({ from, text }) {
    const entry = element("li");
    entry.append(element("b", "", from === you ? "You" : from), text);
    add(entry);
  },
  problem(text) { byId("problem").textContent = text; },
};

function showMembers() {
  const sorted = [...states].sort(([a], [b]) => a.localeCompare(b));
  byId("members").replaceChildren(...sorted.map(([nick, state]) => {
    const item = element("li", "", nick === you ? `${nick} (you)` : nick);
    item.dataset.state = state;
    item.title = state;
    return item;
  }));
}

function allow(yes) { byId("text").disabled = byId("send").disabled = !yes; }
function notice(text) { add(element("li", "notice", text)); }
function add(entry) {
  byId("log").append(entry);
  while (byId("log").childElementCount > ENTRIES_MAX) byId("log").firstElementChild.remove();
  byId("log").scrollTop = byId("log").scrollHeight;
}

function enter(name) {
  byId("problem").textContent = "";
  if (name !== room) link.send({ enter: name });
}

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const nick = byId("nick").value.trim();
  if (!nick) return byId("nick").focus();
  byId("door").hidden = true;
  byId("house").hidden = false;
  link = open("/ws/connect", topics, () => ({ nick }));
});

byId("new").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("room").value.trim();
  if (name) enter(name);
  byId("room").value = "";
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  byId("problem").textContent = "";
  if (text && link.send({ say: text })) byId("text").value = "";
  told = "here";
});

// Told only when it changes: typing while there is text, away while the page is hidden.
let told = "here";
function tell(state) {
  if (state !== told && room && link.send({ state })) told = state;
}
byId("text").addEventListener("input", () => tell(byId("text").value ? "typing" : "here"));
document.addEventListener("visibilitychange", () => tell(document.hidden ? "away" : "here"));
