// The page of the worker pool: asks for jobs, shows the workers, and what became of the jobs.
import { byId, element, open } from "./link.js";

const JOBS_SHOWN_MAX = 60;
const rows = new Map(); // id of a job -> its row

const link = open("/ws/connect", {
  open() { byId("start").disabled = byId("ten").disabled = false; },
  lost() {
    byId("start").disabled = byId("ten").disabled = true;
    for (const row of rows.values()) if (!["done", "failed"].includes(row.dataset.state)) mark(row, "lost", "lost");
    rows.clear();
  },
  accepted({ id, count }) {
    const row = element("li");
    row.append(element("span", "", `#${id}: primes up to ${count.toLocaleString()}`), element("b"));
    rows.set(id, row);
    mark(row, "waits", "waits");
    byId("jobs").prepend(row);
    while (byId("jobs").childElementCount > JOBS_SHOWN_MAX) byId("jobs").lastElementChild.remove();
  },
  progress({ id, percent }) { if (rows.has(id)) mark(rows.get(id), "runs", `${percent} %`); },
  done({ id, result, worker }) {
    if (!rows.has(id)) return;
    mark(rows.get(id), "done", `${result.toLocaleString()} found by worker ${worker}`);
    rows.delete(id);
  },
  failed({ id, reason }) {
    if (!rows.has(id)) return;
    mark(rows.get(id), "failed", reason);
    rows.delete(id);
  },
  problem(text) { byId("problem").textContent = text; },
  pool({ workers, waiting }) {
    byId("waiting").textContent = waiting ? `${waiting} in line` : "nobody waits";
    workers.forEach(showWorker);
  },
});

function mark(row, state, text) {
  row.dataset.state = state;
  row.lastElementChild.textContent = text;
}

// Rows stay the same elements: a button that is being pressed must not be replaced.
function showWorker({ job, percent, done, failed }, index) {
  let row = byId("workers").children[index];
  if (!row) {
    row = element("li");
    const head = element("header");
    head.append(element("b", "", `worker ${index + 1}`), element("small"));
    const meter = element("div", "meter");
    meter.append(element("i"));
    const fail = element("button", "quiet", "Make it fail");
    fail.type = "button";
    fail.addEventListener("click", () => link.send({ fail: index + 1 }));
    row.append(head, meter, element("small", "counts"), fail);
    byId("workers").append(row);
  }
  row.querySelector("header small").textContent = job ? `job #${job}` : "idle";
  row.querySelector("i").style.width = `${job ? percent : 0}%`;
  row.querySelector(".counts").textContent = `${done} done, ${failed} failures`;
}

function start() {
  byId("problem").textContent = "";
  link.send({ count: Number(byId("count").value) });
}
byId("form").addEventListener("submit", (event) => { event.preventDefault(); start(); });
byId("ten").addEventListener("click", () => { for (let i = 0; i < 10; i += 1) start(); });
