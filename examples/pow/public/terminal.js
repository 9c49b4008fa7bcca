// Output as a terminal shows it, line by line: \r goes back to the start of the line, \b one column,
// \t to the next eighth one; colours and bold as ANSI says; all other escape sequences are dropped.
// What jobs write is put on the page as text, never as HTML.

const LINES_MAX = 2000; // older ones leave the page
const COLUMNS_MAX = 4096;
const SEQUENCE = /^\x1b(?:\[([0-9;?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/;
const UNFINISHED = /^\x1b(?:\[[0-9;?]*[ -/]*|\][^\x07\x1b]*\x1b?)?$/;

const plain = { colour: null, bold: false };

export class Terminal {
  constructor(element) {
    this.element = element;
    this.clear();
  }

  clear() {
    this.element.replaceChildren();
    this.style = plain;
    this.rest = ""; // of an escape sequence that was cut in two
    this.#newLine();
  }

  write(text) {
    text = this.rest + text;
    this.rest = "";
    for (let i = 0; i < text.length;) {
      const code = text.codePointAt(i);
      const letter = String.fromCodePoint(code);
      if (letter === "\x1b") {
        const tail = text.slice(i, i + 64);
        const found = SEQUENCE.exec(tail);
        if (!found && UNFINISHED.test(tail) && tail.length < 64) {
          this.rest = tail;
          break;
        }
        if (found?.[2] === "m") this.#setStyle(found[1]);
        if (found?.[2] === "K") this.cells.length = Math.min(this.cells.length, this.column);
        i += found ? found[0].length : 1;
        continue;
      }
      i += letter.length;
      this.#put(letter, code);
    }
    this.#draw();
  }

  #put(letter, code) {
    if (letter === "\n") { this.#draw(); this.#newLine(); }
    else if (letter === "\r") this.column = 0;
    else if (letter === "\b") this.column = Math.max(0, this.column - 1);
    else if (letter === "\t") this.column = Math.min(COLUMNS_MAX - 1, (this.column | 7) + 1);
    else if (code >= 32 && code !== 127) {
      while (this.cells.length < this.column) this.cells.push({ letter: " ", style: plain });
      this.cells[this.column] = { letter, style: this.style };
      this.column += 1;
      if (this.column >= COLUMNS_MAX) { this.#draw(); this.#newLine(); }
    }
  }

  #newLine() {
    this.line = document.createElement("div");
    this.element.append(this.line);
    this.cells = [];
    this.column = 0;
    while (this.element.childElementCount > LINES_MAX) this.element.firstElementChild.remove();
  }

  #setStyle(numbers) {
    let { colour, bold } = this.style;
    for (const number of (numbers || "0").split(";").map(Number)) {
      if (number === 0) { colour = null; bold = false; }
      else if (number === 1) bold = true;
      else if (number === 22) bold = false;
      else if (number >= 30 && number <= 37) colour = number - 30;
      else if (number >= 90 && number <= 97) colour = number - 82;
      else if (number === 39) colour = null;
    }
    this.style = { colour, bold };
  }

  // The line as runs of one style.
  #draw() {
    const runs = [];
    for (const cell of this.cells) {
      const last = runs.at(-1);
      if (last && last.style.colour === cell.style.colour && last.style.bold === cell.style.bold) {
        last.text += cell.letter;
      } else {
        runs.push({ text: cell.letter, style: cell.style });
      }
    }
    this.line.replaceChildren(...runs.map(({ text, style }) => {
      if (style.colour === null && !style.bold) return document.createTextNode(text);
      const span = document.createElement("span");
      if (style.colour !== null) span.dataset.colour = style.colour;
      if (style.bold) span.className = "bold";
      span.textContent = text;
      return span;
    }));
  }
}
