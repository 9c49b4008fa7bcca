// One EventSource; the browser connects again by itself when the stream breaks.
const body = document.querySelector("#prices");
const state = document.querySelector("#state");
const rows = new Map();

function row(symbol) {
  if (!rows.has(symbol)) {
    const cells = ["td", "td", "td"].map((name) => document.createElement(name));
    const line = document.createElement("tr");
    line.append(...cells);
    cells[0].textContent = symbol;
    body.append(line);
    rows.set(symbol, { cells, first: null });
  }
  return rows.get(symbol);
}

const stream = new EventSource(`/api/prices${location.search}`);
stream.onopen = () => { state.textContent = "live"; };
stream.onerror = () => { state.textContent = "lost; connecting again"; };
stream.addEventListener("price", (event) => {
  const { symbol, price } = JSON.parse(event.data);
  const line = row(symbol);
  line.first ??= price;
  const change = (price / line.first - 1) * 100;
  line.cells[1].textContent = price.toFixed(2);
  line.cells[2].textContent = `${change >= 0 ? "+" : ""}${change.toFixed(2)} %`;
  line.cells[2].className = change >= 0 ? "up" : "down";
});
// The server said goodbye for a reason. Asking again helps only if it will be back.
stream.addEventListener("done", (event) => {
  const { reason } = JSON.parse(event.data);
  if (reason === "server is shutting down" || reason === "target process exited") return;
  stream.close();
  state.textContent = `ended: ${reason}`;
});
