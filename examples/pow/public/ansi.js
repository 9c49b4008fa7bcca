// What escape sequences say of colours and weight ("SGR", ECMA-48 8.3.117).

/** How a cell looks: colours are null, 0 to 15, or "#rrggbb". Never changed, so cells share it. */
export const plain = Object.freeze({
  colour: null, ground: null, bold: false, dim: false, italic: false, underline: false, inverse: false,
});

const FLAGS = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse" };
const NO_FLAGS = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"] };

const hex = (...parts) => `#${parts.map((each) => each.toString(16).padStart(2, "0")).join("")}`;

// One of 256: 16 of the palette, a cube of 6 x 6 x 6, 24 greys.
function indexed(number) {
  if (!(number >= 0 && number < 256)) return null;
  if (number < 16) return number;
  if (number >= 232) return hex(...Array(3).fill(8 + (number - 232) * 10));
  const level = (step) => (step === 0 ? 0 : 55 + step * 40);
  const place = number - 16;
  return hex(level(Math.floor(place / 36)), level(Math.floor(place / 6) % 6), level(place % 6));
}

// 38 and 48 are followed by 5;n or 2;r;g;b, which belong to them. @returns how many they are
function extended(numbers, at, style, name) {
  if (numbers[at + 1] === 5) {
    style[name] = indexed(numbers[at + 2]);
    return 2;
  }
  const parts = numbers.slice(at + 2, at + 5);
  if (numbers[at + 1] === 2 && parts.length === 3 && parts.every((each) => each < 256)) {
    style[name] = hex(...parts);
  }
  return numbers[at + 1] === 2 ? 4 : 0;
}

/** The style behind `\x1b[${parameters}m`. */
export function restyle(before, parameters) {
  let style = { ...before };
  const numbers = (parameters || "0").split(/[;:]/).map(Number);
  for (let at = 0; at < numbers.length; at += 1) {
    const number = numbers[at];
    if (number === 0) style = { ...plain };
    else if (FLAGS[number]) style[FLAGS[number]] = true;
    else if (NO_FLAGS[number]) for (const flag of NO_FLAGS[number]) style[flag] = false;
    else if (number === 38) at += extended(numbers, at, style, "colour");
    else if (number === 48) at += extended(numbers, at, style, "ground");
    else if (number === 39) style.colour = null;
    else if (number === 49) style.ground = null;
    else if (number >= 30 && number <= 37) style.colour = number - 30;
    else if (number >= 40 && number <= 47) style.ground = number - 40;
    else if (number >= 90 && number <= 97) style.colour = number - 82;
    else if (number >= 100 && number <= 107) style.ground = number - 92;
  }
  return isSame(style, plain) ? plain : style;
}

export function isSame(a, b) {
  return a === b || Object.keys(plain).every((name) => a[name] === b[name]);
}

/** What a run of such cells is on a page: text, or a span whose colours the style sheet knows. */
export function render(text, style) {
  if (style === plain) return document.createTextNode(text);
  const span = document.createElement("span");
  for (const [name, property] of [["colour", "color"], ["ground", "background-color"]]) {
    const value = style[name];
    if (typeof value === "string") span.style.setProperty(property, value);
    else if (value !== null) span.dataset[name] = value;
  }
  const flags = ["bold", "dim", "italic", "underline", "inverse"].filter((flag) => style[flag]);
  if (flags.length > 0) span.className = flags.join(" ");
  span.textContent = text;
  return span;
}
