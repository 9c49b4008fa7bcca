// A page for any CLU exchange: who is there, what is asked, what they answer, how they are.
//
// It speaks the bridge's websocket and nothing else. Everybody hears every reply, so actors and the
// commands of others show up by themselves; an actor's schema tells which of its keywords are a model.

const by = (id) => document.getElementById(id);
const COMMANDS_MAX = 60;
const EXAMPLES = {
  mount: ["slew 120 45", "slew 300 70", "stop", "park", "status", "help"],
  dome: ["observe 60 50", "open", "close", "rotate 90", "follow", "help"],
};
const LOOK_FOR = ["mount", "dome"]; // asked for when the page opens; others are heard of
const OWN = crypto.randomUUID().slice(0, 8);

const actors = new Map();   // name -> { here, version, model: Map, keywords, item, table, cells }
const commands = new Map(); // command id -> { item, list, status, bar }
let socket, chosen, count = 0, wait = 500;

function make(tag, cls, text) {
  const made = document.createElement(tag);
  if (cls) made.className = cls;
  if (text !== undefined) made.textContent = text;
  return made;
}

// -- the connection -----------------------------------------------------------

function connect() {
  const url = new URL("clu?status=1&history=50", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  socket.onopen = () => {
    wait = 500;
    show("up", "connected");
    for (const name of new Set([...LOOK_FOR, ...actors.keys()])) look(name);
  };
  socket.onmessage = (event) => take(JSON.parse(event.data));
  socket.onclose = () => {
    show("lost", "connection lost, trying again");
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 8000);
  };
}

function show(state, text) {
  by("state").dataset.state = state;
  by("state").textContent = text;
}

function send(consumer, text, internal) {
  const id = `${internal ? "look" : "page"}-${OWN}-${++count}`;
  socket.send(JSON.stringify({ consumer, command_string: text, command_id: id }));
  return id;
}

// Asks for its schema; a failure says that it is not there.
function look(name) {
  send(name, "get_schema", true);
  send(name, "version", true);
}

// -- replies ------------------------------------------------------------------

function take(frame) {
  if (frame.broker !== undefined) {
    show(frame.broker, frame.broker === "up" ? "connected" : `broker: ${frame.broker}`);
    return;
  }
  if (!frame.headers) return;
  const { command_id: id, commander_id: commander, message_code: code, sender } = frame.headers;
  const body = frame.body !== null && typeof frame.body === "object" ? frame.body : { text: frame.body };
  const is_absent = code === "f" && /^Failed routing message/.test(body.error ?? "");
  if (sender) heard(sender, is_absent, body);
  if (typeof id === "string" && !id.startsWith("look-")) reply(id, commander ?? "", code, sender ?? "?", body);
}

function heard(name, is_absent, body) {
  let actor = actors.get(name);
  if (!actor && is_absent && !LOOK_FOR.includes(name)) return;
  actor ??= meet(name);
  const is_back = !actor.here && !is_absent; // it may be another program now, with another schema
  actor.here = !is_absent;
  if (is_back) look(name);
  if (body.schema) learn(actor, body.schema);
  if (body.version) actor.version = body.version;
  for (const [key, value] of Object.entries(body)) {
    if (actor.keywords ? !actor.keywords.has(key) : true) continue;
    const old = actor.model.get(key);
    const is_object = (x) => x !== null && typeof x === "object" && !Array.isArray(x);
    const next = is_object(old) && is_object(value) ? { ...old, ...value } : value;
    actor.model.set(key, next);
    put(actor, key, next, JSON.stringify(old) !== JSON.stringify(next));
  }
  draw(name);
  sky();
}

// Keywords that every actor has say nothing about how it is.
const COMMON = new Set(["text", "schema", "version", "help", "error", "exception", "exception_info",
  "yourUserID", "num_users", "UserInfo", "command_model"]);

function learn(actor, schema) {
  try {
    const properties = JSON.parse(schema).properties ?? {};
    actor.keywords = new Map(Object.entries(properties).filter(([key]) => !COMMON.has(key)));
  } catch {
    actor.keywords = new Map();
  }
  for (const key of actor.keywords.keys()) if (!actor.cells.has(key)) put(actor, key, undefined, false);
}

// -- actors -------------------------------------------------------------------

function meet(name) {
  const actor = { here: true, model: new Map(), cells: new Map() };
  actors.set(name, actor);
  const item = make("li");
  actor.item = make("button");
  actor.item.type = "button";
  actor.item.append(make("span", "lamp"), make("span", "name", name), make("small"));
  actor.item.onclick = () => choose(name);
  item.append(actor.item);
  by("actor-list").append(item);
  const box = make("div", "model");
  box.dataset.actor = name;
  actor.table = make("table");
  box.append(make("h3", "", name), actor.table);
  by("model-list").append(box);
  by("consumer").append(new Option(name, name));
  if (!chosen) choose(name);
  if (!LOOK_FOR.includes(name)) look(name);
  return actor;
}

function draw(name) {
  const actor = actors.get(name);
  actor.item.classList.toggle("gone", !actor.here);
  actor.item.querySelector("small").textContent =
    actor.here ? `version ${actor.version ?? "…"}` : "not on the exchange";
}

function choose(name) {
  chosen = name;
  by("consumer").value = name;
  for (const [other, actor] of actors) actor.item.setAttribute("aria-current", String(other === name));
  const list = EXAMPLES[name] ?? ["ping", "status", "help"];
  by("examples").replaceChildren(...list.map((text) => {
    const button = make("button", "", text);
    button.type = "button";
    button.onclick = () => ask(name, text);
    return button;
  }));
  by("verbs").replaceChildren(...list.map((text) => new Option(text)));
}

function put(actor, key, value, is_fresh) {
  let cell = actor.cells.get(key);
  if (!cell) {
    const row = make("tr");
    const head = make("th", "", key);
    head.scope = "row";
    head.title = actor.keywords.get(key)?.description ?? "";
    cell = make("td");
    row.append(head, cell);
    actor.table.append(row);
    actor.cells.set(key, cell);
  }
  cell.textContent = value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value);
  if (!is_fresh) return;
  cell.classList.remove("fresh");
  void cell.offsetWidth; // lets the animation begin anew
  cell.classList.add("fresh");
}

// Azimuth clockwise from north, altitude towards the middle.
function sky() {
  const value = (name, key) => actors.get(name)?.model.get(key);
  const az = value("mount", "az"), alt = value("mount", "alt");
  const point = (degrees, r) => {
    const a = (degrees - 90) * Math.PI / 180;
    return [Math.cos(a) * r, Math.sin(a) * r];
  };
  if (typeof az === "number" && typeof alt === "number") {
    const [x, y] = point(az, (90 - alt) / 90 * 100);
    by("star").setAttribute("cx", x);
    by("star").setAttribute("cy", y);
    by("beam").setAttribute("x2", x);
    by("beam").setAttribute("y2", y);
  }
  const slit = value("dome", "slit");
  if (typeof slit === "number") {
    const open = (value("dome", "shutter") ?? 0) / 100;
    const [ax, ay] = point(slit - 9, 100), [bx, by_] = point(slit + 9, 100);
    by("slit").setAttribute("d", `M0 0L${ax} ${ay}A100 100 0 0 1 ${bx} ${by_}Z`);
    by("slit").style.opacity = 0.12 + 0.5 * open;
  }
}

// -- commands -----------------------------------------------------------------

function ask(consumer, text) {
  if (socket.readyState !== WebSocket.OPEN) return;
  open(send(consumer, text), consumer, text);
}

function open(id, consumer, text) {
  const item = make("li");
  item.dataset.status = "running";
  const head = make("div", "head");
  const at = make("time", "", new Date().toLocaleTimeString());
  head.append(make("span", "what mono", text === undefined ? `${consumer}: asked by somebody else` : `${consumer} ${text}`),
    at, make("span", "status", "running"));
  const list = make("ol", "replies");
  item.append(head, list);
  by("commands").prepend(item);
  by("nothing").hidden = true;
  const made = { item, list, consumer };
  commands.set(id, made);
  while (commands.size > COMMANDS_MAX) {
    const [oldest, { item: gone }] = commands.entries().next().value;
    gone.remove();
    commands.delete(oldest);
  }
  return made;
}

// Who was asked first is behind the client's name; a part of the command goes to the actor behind that.
function reply(id, commander, code, sender, body) {
  const path = commander.split(".");
  const command = commands.get(id) ?? open(id, path[1] ?? sender);
  const is_part = path.length > 2;
  if (code === ">" && !is_part) return;
  const line = make("li");
  line.dataset.code = code;
  line.append(make("span", "code mono", code), make("span", "who", sender), make("span", "said", words(code, body)));
  command.list.append(line);
  if (typeof body.progress === "number") progress(command, body.progress);
  if (is_part || !":f!".includes(code)) return;
  command.item.dataset.status = code === ":" ? "done" : "failed";
  command.item.querySelector(".status").textContent = code === ":" ? "done" : "failed";
  command.bar?.remove();
}

function words(code, body) {
  const keys = Object.keys(body);
  if (keys.length === 0) return code === ">" ? "started" : code === ":" ? "done" : "";
  if (keys.length === 1 && ["text", "error", "help", "version"].includes(keys[0])) {
    const value = body[keys[0]];
    return Array.isArray(value) ? value.join("\n") : String(value);
  }
  return keys.map((key) => `${key} ${typeof body[key] === "string" ? body[key] : JSON.stringify(body[key])}`).join(" · ");
}

function progress(command, percent) {
  if (!command.bar) {
    command.bar = make("div", "bar");
    command.bar.append(make("i"));
    command.item.append(command.bar);
  }
  command.bar.firstChild.style.width = `${percent}%`;
}

// -- forms --------------------------------------------------------------------

by("send").onsubmit = (event) => {
  event.preventDefault();
  const text = by("command").value.trim();
  if (!text || !by("consumer").value) return;
  ask(by("consumer").value, text);
  by("command").value = "";
};
by("consumer").onchange = () => choose(by("consumer").value);
by("look").onsubmit = (event) => {
  event.preventDefault();
  const name = by("name").value.trim();
  if (!name) return;
  if (!actors.has(name)) ask(name, "ping");
  choose_later(name);
  by("name").value = "";
};

function choose_later(name) {
  if (actors.has(name)) choose(name);
}

connect();
