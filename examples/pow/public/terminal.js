// Output as a terminal shows it: \r goes back to the start of the line, \b one column, \t to the next
// eighth one; escape sequences move the cursor, erase, and set colours (ansi.js), others are dropped.
// What jobs write is put on the page as text, never as HTML.
import { isSame, plain, render, restyle } from "./ansi.js";

const ROWS_MAX = 2000; // older ones leave the page
const COLUMNS_MAX = 4096;
const SEQUENCE_MAX = 64;
const SEQUENCE =
  /^\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Za-z]|[0-Z\\^_a-z=>])/;
const UNFINISHED = /^\x1b(?:\[[0-9;:?]*[ -/]*|\][^\x07\x1b]*\x1b?|[()])?$/;

export class Terminal {
  constructor(element) {
    this.element = element;
    this.clear();
  }

  clear() {
    this.element.replaceChildren();
    this.rows = [];
    this.changed = new Set();
    this.row = 0;
    this.column = 0;
    this.top = 0; // where "home" is
    this.style = plain;
    this.rest = ""; // of an escape sequence that was cut in two
    this.#goTo(0);
  }

  write(text) {
    text = this.rest + text;
    this.rest = "";
    for (let i = 0; i < text.length;) {
      const code = text.codePointAt(i);
      if (code !== 0x1b) {
        const letter = String.fromCodePoint(code);
        i += letter.length;
        this.#put(letter, code);
        continue;
      }
      const tail = text.slice(i, i + SEQUENCE_MAX);
      const found = SEQUENCE.exec(tail);
      if (!found && UNFINISHED.test(tail) && tail.length < SEQUENCE_MAX) {
        this.rest = tail;
        break;
      }
      if (found?.[2]) this.#obey(found[2], found[1]);
      i += found ? found[0].length : 1;
    }
    for (const row of this.changed) draw(row);
    this.changed.clear();
  }

  #put(letter, code) {
    if (letter === "\n") { this.#goTo(this.row + 1); this.column = 0; }
    else if (letter === "\r") this.column = 0;
    else if (letter === "\b") this.column = Math.max(0, this.column - 1);
    else if (letter === "\t") this.column = Math.min(COLUMNS_MAX - 1, (this.column | 7) + 1);
    else if (code >= 32 && code !== 127) {
      if (this.column >= COLUMNS_MAX) { this.#goTo(this.row + 1); this.column = 0; }
      const { cells } = this.#touch(this.row);
      while (cells.length < this.column) cells.push({ letter: " ", style: plain });
      cells[this.column] = { letter, style: this.style };
      this.column += 1;
    }
  }

  #obey(what, parameters) {
    const [first, second] = parameters.split(";").map((each) => parseInt(each, 10) || 0);
    const steps = Math.max(1, first);
    const column = (to) => { this.column = Math.min(COLUMNS_MAX - 1, Math.max(0, to)); };
    switch (what) {
      case "m": this.style = restyle(this.style, parameters); break;
      case "A": this.#goTo(Math.max(this.top, this.row - steps)); break;
      case "B": this.#goTo(Math.min(this.rows.length - 1, this.row + steps)); break;
      case "C": column(this.column + steps); break;
      case "D": column(this.column - steps); break;
      case "E": this.#goTo(Math.min(this.rows.length - 1, this.row + steps)); column(0); break;
      case "F": this.#goTo(Math.max(this.top, this.row - steps)); column(0); break;
      case "G": column(steps - 1); break;
      case "H": case "f":
        this.#goTo(this.top + Math.min(steps, 500) - 1);
        column(Math.max(1, second ?? 1) - 1);
        break;
      case "K": this.#eraseLine(first); break;
      case "J": this.#eraseScreen(first); break;
      default: // no terminal here answers or remembers
    }
  }

  #eraseLine(mode) {
    const { cells } = this.#touch(this.row);
    if (mode === 0) cells.length = Math.min(cells.length, this.column);
    else if (mode === 2) cells.length = 0;
    else for (let i = 0; i <= this.column && i < cells.length; i += 1) cells[i] = { letter: " ", style: plain };
  }

  #eraseScreen(mode) {
    if (mode === 0) {
      this.#eraseLine(0);
      for (let i = this.row + 1; i < this.rows.length; i += 1) this.#touch(i).cells.length = 0;
    } else if (mode === 2 || mode === 3) { // what was there stays above, as in a scroll-back
      this.top = this.rows.length;
      this.#goTo(this.top);
    }
  }

  #touch(index) {
    const row = this.rows[index];
    this.changed.add(row);
    return row;
  }

  #goTo(row) {
    while (this.rows.length <= row) {
      const line = document.createElement("div");
      this.element.append(line);
      this.rows.push({ line, cells: [] });
    }
    this.row = row;
    while (this.rows.length > ROWS_MAX) {
      this.rows.shift().line.remove();
      this.row = Math.max(0, this.row - 1);
      this.top = Math.max(0, this.top - 1);
    }
  }
}

// A row as runs of one style.
function draw({ line, cells }) {
  const runs = [];
  for (const { letter, style } of cells) {
    const last = runs.at(-1);
    if (last && isSame(last.style, style)) last.text += letter;
    else runs.push({ text: letter, style });
  }
  line.replaceChildren(...runs.map(({ text, style }) => render(text, style)));
}
