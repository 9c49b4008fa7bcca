// The page of the chat: one websocket, what it brings put on the page as text, never as HTML.
//
//   connecting -> here -> lost -> connecting ...   the door stands before it all

const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 15_000;
const ENTRIES_MAX = 500; // older ones leave the page

const byId = (id) => document.getElementById(id);
const door = byId("door"), pond = byId("pond"), log = byId("log"), scroll = byId("scroll");
const rooms = [...byId("rooms").querySelectorAll("button")];

let socket = null;
let wantedNick = "";         // what the door was told; the hub may add a number
let nick = "";               // what the hub calls us
let room = "lobby";          // where we are, and where we return to when the connection is lost
let members = new Set();
let failures = 0;            // connections in a row that never became a welcome
let retryTimer = 0;

// --- the connection ------------------------------------------------------------------------------

function connect() {
  clearTimeout(retryTimer);
  showState("away", "connecting…");
  const url = new URL("/api/v1/ws/connect", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams({ nick: wantedNick, room });
  socket = new WebSocket(url);
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", retryLater);
}

// Waits longer after each failure, and never as long as the next browser does: a thousand pages
// that lost the same server must not come back in the same instant.
function retryLater() {
  const wait = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** failures) * (0.5 + Math.random() / 2);
  failures += 1;
  setMembers([]);
  showState("lost", `connection lost, next try in ${Math.max(1, Math.round(wait / 1000))} s`);
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, wait);
}

window.addEventListener("online", () => {
  if (wantedNick && socket?.readyState === WebSocket.CLOSED) connect();
});

const send = (message) => socket.send(JSON.stringify(message));

// --- what the hub says ---------------------------------------------------------------------------

const topics = {
  welcome(data) {
    const moved = data.room !== room || failures === 0;
    failures = 0;
    nick = data.you;
    room = data.room;
    setMembers(data.members);
    for (const button of rooms) button.setAttribute("aria-current", button.dataset.room === room);
    showState("here", "connected");
    notice(moved ? `You are in the ${room}.` : `Back in the ${room}.`);
  },
  joined(data) {
    setMembers([...members, data.nick]);
    notice(`${data.nick} came in.`, data.at);
  },
  left(data) {
    members.delete(data.nick);
    setMembers(members);
    notice(data.to ? `${data.nick} went to the ${data.to}.` : `${data.nick} left.`, data.at);
  },
  said(data) {
    showSaid(data);
  },
  error(data) {
    byId("say-problem").textContent = data.message;
  },
};

function receive(frame) {
  topics[frame.topic]?.(frame.data);
}

// --- what is on the page -------------------------------------------------------------------------

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function clock(seconds) {
  const date = seconds ? new Date(seconds * 1000) : new Date();
  const time = element("time", "", date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = date.toISOString();
  time.title = date.toLocaleString();
  return time;
}

// The same name has the same colour on every page.
function tone(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 6007;
  return sum % 6;
}

function showSaid({ from, text, at }) {
  const entry = element("li", from === nick ? "said mine" : "said");
  const head = element("header", "");
  const who = element("span", "who", from === nick ? "You" : from);
  who.dataset.tone = tone(from);
  head.append(who, clock(at));
  entry.append(head, element("p", "", text));
  add(entry, from === nick);
}

function notice(text, at) {
  const entry = element("li", "notice", text);
  entry.title = clock(at).title;
  add(entry, false);
}

const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;

// Follows the talk only while the reader is at its end; whoever reads further up is left in peace.
function add(entry, always) {
  const follow = always || atEnd();
  log.append(entry);
  while (log.childElementCount > ENTRIES_MAX) log.firstElementChild.remove();
  if (follow) scroll.scrollTop = scroll.scrollHeight;
  else byId("newer").hidden = false;
}

function setMembers(names) {
  members = new Set(names);
  byId("count").textContent = members.size ? `(${members.size})` : "";
  byId("members").replaceChildren(...[...members].sort((a, b) => a.localeCompare(b)).map((name) => {
    const entry = element("li", "");
    const label = element("span", "", name === nick ? `${name} (you)` : name);
    entry.dataset.tone = tone(name);
    entry.append(label);
    return entry;
  }));
}

function showState(state, text) {
  const connected = state === "here";
  byId("state").dataset.state = state;
  byId("state").textContent = text;
  byId("say").disabled = !connected;
  for (const button of rooms) button.disabled = !connected;
}

// --- what the reader does ------------------------------------------------------------------------

byId("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  wantedNick = byId("nick").value.trim();
  const problem = wantedNick ? "" : "A name, please: 1 to 24 letters.";
  byId("nick-problem").textContent = problem;
  if (problem) return byId("nick").focus();
  remember(wantedNick);
  door.hidden = true;
  pond.hidden = byId("rooms").hidden = false;
  byId("text").focus();
  connect();
});

byId("say-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("text");
  if (!field.value.trim() || socket.readyState !== WebSocket.OPEN) return;
  byId("say-problem").textContent = "";
  send({ type: "say", text: field.value.trim() });
  field.value = "";
  fit(field);
});

// Enter sends, Shift+Enter breaks the line; not while an input method is composing a word.
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("say-form").requestSubmit();
  }
});

function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
byId("text").addEventListener("input", (event) => fit(event.target));

for (const button of rooms) {
  button.addEventListener("click", () => {
    if (button.dataset.room !== room) send({ type: "enter", room: button.dataset.room });
  });
}

scroll.addEventListener("scroll", () => {
  if (atEnd()) byId("newer").hidden = true;
});
byId("newer").addEventListener("click", () => {
  scroll.scrollTop = scroll.scrollHeight;
  byId("text").focus();
});

// A browser may refuse storage altogether; then the name is asked for anew each time.
function remember(name) {
  try { localStorage.setItem("nick", name); } catch { /* refused */ }
}
function remembered() {
  try { return localStorage.getItem("nick") ?? ""; } catch { return ""; }
}

byId("nick").value = remembered();
byId("nick").focus();
