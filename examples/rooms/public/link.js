// One websocket that comes back when it is lost; the same file in every example.
//
//   const link = open("/ws/connect", { topic(data) { ... } }, query)    what the hub says, by topic
//   link.send(text or object)                                          false while not connected
//   connecting -> here -> lost -> connecting ...                       shown in #state

const RETRY_FIRST_MS = 500;
const RETRY_LAST_MS = 15_000;

function show(state, text) {
  const place = document.getElementById("state");
  place.dataset.state = state;
  place.textContent = text;
  document.body.dataset.link = state;
}

export function open(path, topics, query = () => ({})) {
  let socket = null, failures = 0;

  function connect() {
    show("away", "connecting…");
    const url = new URL(`/api/v1${path}`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.search = new URLSearchParams(query());
    socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      failures = 0;
      show("here", "connected");
      topics.open?.();
    });
    socket.addEventListener("message", (event) => {
      const { topic, data } = JSON.parse(event.data);
      topics[topic]?.(data);
    });
    socket.addEventListener("close", retry);
  }

  // Longer after each failure, and never as long as the next browser waits: a thousand pages that
  // lost the same server must not come back in the same instant.
  function retry() {
    const wait = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    show("lost", `connection lost, next try in ${Math.max(1, Math.round(wait / 1000))} s`);
    topics.lost?.();
    setTimeout(connect, wait);
  }

  connect();
  return {
    send(message) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(typeof message === "string" ? message : JSON.stringify(message));
      return true;
    },
  };
}

/** An element with class and text; what comes from outside is put on a page as text, never as HTML. */
export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

export const byId = (id) => document.getElementById(id);
