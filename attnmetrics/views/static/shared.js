// What the three views share: the data of a page, its tokens and weights, controls, readings, export.

export const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

export const svg = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

export const round = (x) => Math.round(x * 10) / 10;
export const weight = (x) => x.toFixed(5);
export const signed = (x) => (x < 0 ? "−" : "") + Math.abs(x).toFixed(3);
export const headColour = (head) => `var(--head-${head % 8})`;

// ---- data

/** Weights are whole numbers of this part. */
const STEPS = 2 ** 20;

export async function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Kind(await new Response(stream).arrayBuffer());
}

/** A page's data with its arrays unpacked. */
export async function open(data) {
  for (const map of data.maps) map.values = await unpack(map.weights, Uint32Array);
  if (data.neuron) {
    data.neuron.query = await unpack(data.neuron.query, Float32Array);
    data.neuron.key = await unpack(data.neuron.key, Float32Array);
  }
  return data;
}

/** What is drawn on one side: pieces, or words made of them. */
export function tokens(side, words, segment = "") {
  const one = (pieces) => ({
    pieces,
    text: pieces.map((piece) => side.pieces[piece]).join(""),
    second: side.second != null && pieces[0] >= side.second,
    isNull: pieces.every((piece) => side.null[piece]),
    generated: pieces[0] >= side.pieces.length - side.generated,
  });
  const groups = [];
  side.pieces.forEach((_, piece) => {
    if (words && piece && side.words[piece] === side.words[piece - 1]) groups.at(-1).push(piece);
    else groups.push([piece]);
  });
  return groups.map(one).filter((token) => !segment || token.second === (segment === "B"));
}

/** Weights of one head between the tokens of two sides: from a word, the mean of its pieces; to a word, their sum. */
export function grid(data, map, layer, head, rows, columns, hideNull) {
  const [n, m] = [data.sides[map.rows].pieces.length, data.sides[map.columns].pieces.length];
  const base = (layer * data.heads.length + head) * n * m;
  const isNull = data.sides[map.columns].null;
  const found = new Float64Array(rows.length * columns.length);
  rows.forEach((row, i) => columns.forEach((column, j) => {
    let sum = 0;
    for (const from of row.pieces) for (const to of column.pieces) {
      if (!(hideNull && isNull[to])) sum += map.values[base + from * m + to];
    }
    found[i * columns.length + j] = sum / STEPS / row.pieces.length;
  }));
  return (i, j) => found[i * columns.length + j];
}

/** The strongest of many lines [{weight, …}], in the order given; none that could not be seen. */
export function strongest(lines, most, least = 0.005) {
  const visible = lines.filter((line) => line.weight >= least);
  if (visible.length <= most) return visible;
  const floor = visible.map((line) => line.weight).sort((a, b) => b - a)[most - 1];
  return visible.filter((line) => line.weight >= floor).slice(0, most);
}

// ---- controls

export function choice(label, options, value, change) {
  const select = el("select", { onchange: () => change(select.value), "aria-label": label });
  for (const [key, name] of options) select.append(el("option", { value: key, selected: String(key) === String(value) }, name));
  return el("label", { class: "field" }, el("span", {}, label), select);
}

/** A select with a button on either side. */
export function stepper(label, options, value, change) {
  const field = choice(label, options, value, change);
  const select = field.querySelector("select");
  const move = (step) => {
    const next = select.selectedIndex + step;
    if (next < 0 || next >= options.length) return;
    select.selectedIndex = next;
    change(select.value);
  };
  const arrow = (name, sign, step) =>
    el("button", { type: "button", class: "step", "aria-label": `${name} ${label.toLowerCase()}`, onclick: () => move(step) }, sign);
  return el("div", { class: "stepper" }, field, arrow("Previous", "‹", -1), arrow("Next", "›", 1));
}

export function toggle(label, pressed, change, hint = "") {
  const button = el("button", { type: "button", class: "toggle", "aria-pressed": String(pressed), title: hint }, label);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    change(now);
  });
  return button;
}

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

export function themeToggle() {
  return toggle("Dark", isDark(), (dark) => { document.documentElement.dataset.theme = dark ? "dark" : "light"; }, "Light or dark");
}

/** The frame of a view: title, controls, drawing, status line. `picture` gives the SVG element to export. */
export function frame(root, data, title, controls, picture) {
  const name = `${data.view}-view`;
  const status = el("p", { class: "status", role: "status" });
  const drawing = el("div", { class: "drawing" });
  const tools = el("div", { class: "tools" }, themeToggle(),
    el("button", { type: "button", class: "tool", title: "Save as SVG", onclick: () => saveSvg(picture(), name) }, "SVG"),
    el("button", { type: "button", class: "tool", title: "Save as PNG", onclick: () => savePng(picture(), name) }, "PNG"));
  const heading = el("h1", {}, title, ...(data.name ? [el("span", {}, data.name)] : []));
  root.replaceChildren(el("header", {}, el("div", { class: "top" }, heading, tools), el("div", { class: "controls" }, ...controls)), drawing, status);
  return { drawing, say: (text) => { status.textContent = text; } };
}

/** The controls that head and model view share: which attention, which sentence, words, null pieces. */
export function commonControls(data, state, redraw) {
  const set = (name) => (value) => { state[name] = value; redraw(); };
  const found = [];
  if (data.maps.length > 1) {
    const names = data.maps.map((map, place) => [place, map.name]);
    found.push(choice("Attention", names, state.map, (value) => { state.map = Number(value); state.filter = ""; redraw(); }));
  }
  if (data.sides.some((side) => side.second != null)) {
    const filters = [["", "All"], ["AA", "A → A"], ["AB", "A → B"], ["BA", "B → A"], ["BB", "B → B"]];
    found.push(choice("Sentences", filters, state.filter, set("filter")));
  }
  if (data.sides.some((side) => new Set(side.words).size < side.pieces.length)) {
    found.push(toggle("Words", state.words, set("words"), "Words instead of pieces: from a word the mean of its pieces, to a word their sum"));
  }
  if (data.sides.some((side) => side.null.some(Boolean))) {
    found.push(toggle("Null attention", !state.hideNull, (shown) => set("hideNull")(!shown), "Attention to pieces without content, such as the first or [SEP]"));
  }
  return found;
}

/** The state with which a view opens. */
export const opening = (data) => ({
  map: 0, filter: "", words: data.preset.words, hideNull: !data.preset.null,
  layer: data.layers.indexOf(data.preset.layer), heads: new Set(data.preset.heads.map((head) => data.heads.indexOf(head))),
});

/** The tokens of both sides under the filters of a state. */
export function sides(data, state) {
  const map = data.maps[state.map];
  return {
    map,
    rows: tokens(data.sides[map.rows], state.words, state.filter[0]),
    columns: tokens(data.sides[map.columns], state.words, state.filter[1]),
  };
}

// ---- reading

/** A small table beside the pointer. Lines are [label, value, colour]; text stays text. */
export function tooltip(root) {
  const box = el("div", { class: "tip", hidden: true });
  root.append(box);
  return {
    box,
    hide: () => { box.hidden = true; },
    show: (event, title, lines) => {
      box.replaceChildren(el("b", {}, title), ...lines.map(([label, value, colour]) =>
        el("div", {}, colour ? el("i", { style: `background:${colour}` }) : "", el("span", {}, label), el("span", { class: "number" }, value))));
      box.hidden = false;
      const { width, height } = box.getBoundingClientRect();
      box.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
      box.style.top = `${event.clientY + height + 24 < innerHeight ? event.clientY + 16 : Math.max(4, event.clientY - height - 12)}px`;
    },
  };
}

let canvas;
/** Width of a text in the drawing's font, in pixels. */
export function textWidth(text, size = 13) {
  canvas ??= document.createElement("canvas").getContext("2d");
  canvas.font = `${size}px ${FONT}`;
  return canvas.measureText(text).width;
}

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

/** A text cut to a width. */
export function fit(text, width, size = 13) {
  if (textWidth(text, size) <= width) return text;
  const letters = [...text];
  while (letters.length > 1 && textWidth(`${letters.join("")}…`, size) > width) letters.pop();
  return `${letters.join("")}…`;
}

/** Draw again when the width changes. */
export function onWidth(node, draw) {
  let width = 0;
  new ResizeObserver(() => {
    const now = Math.round(node.clientWidth);
    if (now && now !== width) draw(width = now);
  }).observe(node);
}

// ---- export

/** An SVG that needs no style sheet: the page's colours are written into it. */
function standalone(picture) {
  const style = getComputedStyle(document.documentElement);
  const copy = picture.cloneNode(true);
  copy.querySelectorAll("[data-screen], [visibility=hidden]").forEach((node) => node.remove());
  const { width, height } = picture.viewBox.baseVal;
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.setAttribute("font-family", FONT);
  copy.prepend(svg("rect", { width, height, fill: "var(--page)" }));
  return new XMLSerializer().serializeToString(copy).replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
}

export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function saveSvg(picture, name) {
  save(new Blob([standalone(picture)], { type: "image/svg+xml" }), `${name}.svg`);
}

export function savePng(picture, name) {
  const { width, height } = picture.viewBox.baseVal;
  const scale = Math.min(2, 16_000 / Math.max(width, height));
  const image = new Image();
  image.onload = () => {
    const sheet = el("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    sheet.getContext("2d").drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((blob) => save(blob, `${name}.png`), "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(picture))}`;
}
