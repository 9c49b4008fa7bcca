// The page of the game: says where to swim, draws what the server says, smoothly between its ticks.
import { byId, element, open } from "./link.js";

const canvas = byId("water"), paint = canvas.getContext("2d");
let link = null, me = 0, tickMs = 50;
let names = new Map();
let before = null, latest = null, latestAt = 0; // two ticks to draw between

const topics = {
  welcome(data) { me = data.you; tickMs = data.tick_ms; before = latest = null; },
  names(data) {
    names = new Map(data.map(({ id, name }) => [id, name]));
    document.body.dataset.toads = names.size;
  },
  tick(data) {
    before = latest ?? data;
    latest = data;
    latestAt = performance.now();
    document.body.dataset.tick = data.n;
    showScores(data.toads);
  },
};

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim();
  byId("problem").textContent = name ? "" : "A name, please: 1 to 16 letters.";
  if (!name) return;
  byId("door").hidden = true;
  byId("pond").hidden = false;
  canvas.focus();
  link = open("/ws/connect", topics, () => ({ name }));
  requestAnimationFrame(draw);
});

// --- where to swim -------------------------------------------------------------------------------

const keys = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
  KeyW: [0, -1], KeyS: [0, 1], KeyA: [-1, 0], KeyD: [1, 0],
};
const held = new Set();
let told = "0,0";

function swim(x, y) {
  const wish = `${x.toFixed(2)},${y.toFixed(2)}`;
  if (wish !== told && link?.send({ x, y })) told = wish;
}

function swimByKeys() {
  let x = 0, y = 0;
  for (const key of held) { x += keys[key][0]; y += keys[key][1]; }
  swim(x, y);
}

addEventListener("keydown", (event) => {
  if (!keys[event.code] || byId("pond").hidden) return;
  event.preventDefault();
  held.add(event.code);
  swimByKeys();
});
addEventListener("keyup", (event) => { if (held.delete(event.code)) swimByKeys(); });
addEventListener("blur", () => { held.clear(); swim(0, 0); });

// A finger or a pressed mouse: towards it.
function swimTo(event) {
  const toad = latest?.toads.find(([id]) => id === me);
  if (!toad) return;
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) * canvas.width / box.width - toad[1];
  const y = (event.clientY - box.top) * canvas.height / box.height - toad[2];
  const far = Math.hypot(x, y);
  if (far < 30) swim(0, 0);
  else swim(x / far, y / far);
}
let pressed = false;
canvas.addEventListener("pointerdown", (event) => { pressed = true; swimTo(event); });
canvas.addEventListener("pointermove", (event) => { if (pressed) swimTo(event); });
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => { if (pressed) { pressed = false; swim(0, 0); } });
}

// --- what it looks like --------------------------------------------------------------------------

const hue = (id) => (id * 67) % 360;

function draw(now) {
  requestAnimationFrame(draw);
  paint.fillStyle = "#173a35";
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.fillStyle = "#1f4a42";
  for (const [x, y, r] of [[260, 200, 120], [1240, 660, 150], [820, 420, 90], [1420, 150, 80], [180, 740, 100]]) {
    paint.beginPath();
    paint.arc(x, y, r, 0.5, Math.PI * 2);
    paint.fill();
  }
  if (!latest) return;
  const share = Math.min(1, (now - latestAt) / tickMs);
  const old = new Map(before.toads.map((toad) => [toad[0], toad]));
  paint.fillStyle = "#e9e4b0";
  for (const [x, y] of latest.flies) {
    paint.beginPath();
    paint.arc(x, y, 7 + Math.sin(now / 60 + x) * 2, 0, Math.PI * 2);
    paint.fill();
  }
  for (const [id, x, y] of latest.toads) {
    const from = old.get(id) ?? [id, x, y];
    drawToad(id, from[1] + (x - from[1]) * share, from[2] + (y - from[2]) * share);
  }
}

function drawToad(id, x, y) {
  paint.fillStyle = `hsl(${hue(id)} 45% 45%)`;
  paint.beginPath();
  paint.ellipse(x, y, 34, 27, 0, 0, Math.PI * 2);
  paint.fill();
  paint.fillStyle = "#edc72f";
  paint.fillRect(x - 3, y - 26, 6, 52);
  paint.fillStyle = "#fbfaf2";
  paint.beginPath();
  paint.arc(x - 15, y - 20, 7, 0, Math.PI * 2);
  paint.arc(x + 15, y - 20, 7, 0, Math.PI * 2);
  paint.fill();
  const size = Math.max(26, 12 * canvas.width / canvas.clientWidth); // readable on a phone as well
  paint.font = `${id === me ? "bold " : ""}${size}px Georgia, serif`;
  paint.textAlign = "center";
  paint.fillText(names.get(id) ?? "", x, y - 38);
}

function showScores(toads) {
  const best = [...toads].sort((a, b) => b[3] - a[3] || a[0] - b[0]).slice(0, 12);
  byId("scores").replaceChildren(...best.map(([id, , , score]) => {
    const row = element("li", id === me ? "me" : "");
    row.append(element("span", "", names.get(id) ?? "…"), element("b", "", String(score)));
    return row;
  }));
}
