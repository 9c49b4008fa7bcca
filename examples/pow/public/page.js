// The page: choose a job, start it, watch it, talk to it, end it. The client is clients/js, as it is.
import { WebsocketSession } from "./client/pow.js";
import { Terminal } from "./terminal.js";

const byId = (id) => document.getElementById(id);
const terminal = new Terminal(byId("output"));
const scroll = byId("scroll");
const controls = ["input", "send", "close", "cancel"].map(byId);

let session = null;
let cancels = 0;
let began = 0;
let clock = 0;

const chosen = () => document.querySelector('input[name="job"]:checked');

// A word, or several in quotes.
function words(text) {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
}

function showState(state, text) {
  byId("state").dataset.state = state;
  byId("state").textContent = text;
}

function showTime() {
  byId("time").textContent = `${((performance.now() - began) / 1000).toFixed(1)} s`;
}

function show(text) {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  terminal.write(text);
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

async function run(name, params) {
  terminal.clear();
  byId("command").textContent = [name, ...params].join(" ");
  byId("result").textContent = "";
  byId("result").dataset.status = "";
  byId("start").disabled = true;
  cancels = 0;
  showState("away", `starting ${name}…`);
  session = new WebsocketSession({ url: "/pow/" }, { call: name, params }, { outputLimit: 1024 });
  session.onLogLine = show;
  began = performance.now();
  clock = setInterval(showTime, 100);
  try {
    await session.connect();
    started(name);
    end(await session.wait());
  } catch (error) { // of the connection: what a job fails with is a result
    end({ status: "rejected", reason: error.message });
  }
}

function started(name) {
  showState("here", `${name} is running`);
  for (const control of controls) control.disabled = false;
  byId("cancel").textContent = "Cancel";
  byId("input").focus();
}

function end(result) {
  session = null;
  clearInterval(clock);
  showTime();
  const good = result.status === "fulfilled";
  byId("result").dataset.status = result.status;
  byId("result").textContent = good ? `Result: ${JSON.stringify(result.value)}` : `Error: ${result.reason}`;
  showState(good ? "done" : "lost", good ? "done" : "failed");
  byId("start").disabled = false;
  for (const control of controls) control.disabled = true;
  byId("input").value = "";
}

byId("start-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!session) run(chosen().value, words(byId("arguments").value));
});

byId("input-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!session || byId("input").disabled) return;
  const text = `${byId("input").value}\n`;
  session.sendText(text);
  show(`\x1b[36m${text}\x1b[39m`); // as a terminal echoes what is typed
  byId("input").value = "";
});

byId("close").addEventListener("click", () => {
  session?.closeInput();
  for (const id of ["input", "send", "close"]) byId(id).disabled = true;
});

// The first time asks, the second time insists.
byId("cancel").addEventListener("click", () => {
  session?.cancel();
  cancels += 1;
  byId("cancel").textContent = "Cancel now";
  if (cancels > 1) byId("cancel").disabled = true;
});

for (const choice of document.querySelectorAll('input[name="job"]')) {
  choice.addEventListener("change", () => { byId("arguments").value = choice.dataset.arguments ?? ""; });
}
byId("arguments").value = chosen().dataset.arguments ?? "";
