// The page: choose a job, start it, watch it, talk to it, end it.
import { Job } from "./pow.js";
import { Terminal } from "./terminal.js";

const byId = (id) => document.getElementById(id);
const terminal = new Terminal(byId("output"));
const scroll = byId("scroll");
const controls = ["input", "send", "close", "cancel"].map(byId);

let job = null;
let cancels = 0;

const chosen = () => document.querySelector('input[name="job"]:checked');

// A word, or several in quotes.
function words(text) {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
}

function showState(state, text) {
  byId("state").dataset.state = state;
  byId("state").textContent = text;
}

function show(text) {
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 40;
  terminal.write(text);
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function start() {
  const name = chosen().value;
  const url = new URL("/pow/", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  terminal.clear();
  byId("result").textContent = "";
  byId("result").dataset.status = "";
  cancels = 0;
  job = new Job(url, name, words(byId("arguments").value), { started: () => started(name), output: show, end });
  showState("away", `starting ${name}…`);
  byId("start").disabled = true;
}

function started(name) {
  showState("here", `${name} is running`);
  for (const control of controls) control.disabled = false;
  byId("cancel").textContent = "Cancel";
  byId("input").focus();
}

function end(result) {
  job = null;
  const good = result.status === "fulfilled";
  byId("result").dataset.status = result.status;
  byId("result").textContent = good ? `Result: ${JSON.stringify(result.value)}` : `Error: ${result.reason}`;
  showState(good ? "away" : "lost", good ? "done" : "failed");
  byId("start").disabled = false;
  for (const control of controls) control.disabled = true;
  byId("input").value = "";
}

byId("start-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!job) start();
});

byId("input-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!job || byId("input").disabled) return;
  const text = `${byId("input").value}\n`;
  job.send(text);
  show(text); // as a terminal echoes what is typed
  byId("input").value = "";
});

byId("close").addEventListener("click", () => {
  job?.closeInput();
  for (const id of ["input", "send", "close"]) byId(id).disabled = true;
});

byId("cancel").addEventListener("click", () => {
  job?.cancel();
  cancels += 1;
  byId("cancel").textContent = "Cancel now";
  if (cancels > 1) byId("cancel").disabled = true;
});

for (const choice of document.querySelectorAll('input[name="job"]')) {
  choice.addEventListener("change", () => { byId("arguments").value = choice.dataset.arguments ?? ""; });
}
byId("arguments").value = chosen().dataset.arguments ?? "";
