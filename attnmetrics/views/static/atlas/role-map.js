// All heads on one map, coloured by what they do: a sentence on hover, a click leads to the head.

import { headName, placeOf } from "../arithmetic/heads.js";
import { clamp, round } from "../arithmetic/scales.js";
import { el, sheet, svg, text } from "../shared/dom.js";
import { tooltip } from "../shared/tooltip.js";
import { MapReader } from "./head-map.js";
import { columnNumbers, rowNumbers } from "./map-parts.js";

const [LEFT, ABOVE, BELOW] = [34, 22, 20];
/** A map is no taller than this part of the window. */
const TALLEST = 0.62;
const WORDS = "What each head does: layers down, heads across. Arrow keys move, Enter opens a head.";

/** Fill host with the map, and beneath it what its colours mean. say and choose as in head-map.js. */
export function roleMap(host, atlas, { say, choose }) {
  const layout = layoutOf(atlas, host.clientWidth);
  const scene = draw(atlas, layout);
  host.replaceChildren(scene.picture);
  const tell = (cell) => describe(atlas, cell);
  new MapReader(scene, layout, { atlas, tell, say, choose, tip: tooltip(host) }).listen(null);
  return { picture: scene.picture, legend: legend(atlas, scene.groups) };
}

function layoutOf(atlas, available) {
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const width = clamp(((available || 700) - LEFT - 4) / columns, 9, 64);
  const height = clamp(Math.min(width, (innerHeight * TALLEST) / rows), 10, 36);
  return { box: { left: LEFT, top: ABOVE, width, height, gap: 1.5 } };
}

function draw(atlas, { box }) {
  const [rows, columns] = [atlas.layers.length, atlas.heads.length];
  const [right, bottom] = [LEFT + columns * box.width, ABOVE + rows * box.height];
  const attributes = { class: "head-map role-map", tabindex: 0, role: "group", "aria-label": WORDS };
  const picture = sheet(right + 4, bottom + BELOW, attributes);
  const groups = atlas.roles.groups().map(({ role, places }) => [role.name, group(atlas, role, places, box)]);
  const cursor = svg("rect", {
    width: round(box.width - box.gap), height: round(box.height - box.gap), fill: "none", stroke: "var(--ink)",
    "stroke-width": 2, rx: 2, visibility: "hidden", "pointer-events": "none", "data-screen": "",
  });
  picture.append(...groups.map(([, node]) => node), ...columnNumbers(atlas.heads, box, ABOVE - 6),
    ...rowNumbers(atlas.layers, box), text(LEFT, bottom + 14, "heads across, layers down"), cursor);
  return { picture, cursor, groups: new Map(groups) };
}

/** The cells of a role in one path; those that are switched off are crossed out. */
function group(atlas, role, places, { left, top, width, height, gap }) {
  const [wide, tall] = [round(width - gap), round(height - gap)];
  const corner = (place) => [
    round(left + (place % atlas.heads.length) * width), round(top + Math.floor(place / atlas.heads.length) * height),
  ];
  const cells = places.map(corner).map(([x, y]) => `M${x} ${y}h${wide}v${tall}h${-wide}z`).join("");
  const node = svg("g", { class: "role-cells", "data-role": role.name });
  node.append(svg("path", { d: cells, fill: role.colour }));
  if (role.name === "inactive") {
    const strokes = places.map(corner).map(([x, y]) => `M${x} ${round(y + tall)}l${wide} ${-tall}`).join("");
    node.append(svg("path", { d: strokes, stroke: "var(--page)", "stroke-width": 1.2 }));
  }
  return node;
}

/** What is told of a head. */
function describe(atlas, [layer, head]) {
  const place = placeOf(atlas, layer, head);
  const name = headName(atlas, layer, head);
  const sentence = atlas.roles.sentence(place);
  return { name, words: `${name}: ${sentence}`, lines: [[sentence, ""]] };
}

/** A button for each colour; while it is pointed at, the others are pale. A click keeps it so. */
function legend(atlas, groups) {
  const list = el("ul", { class: "role-legend" });
  let kept = null;
  const light = (name) => groups.forEach((node, own) => node.classList.toggle("pale", name !== null && own !== name));
  const item = ({ role, places }) => {
    const swatch = el("i", { style: `background:${role.colour}` });
    const count = el("span", { class: "number" }, String(places.length));
    const keep = () => {
      kept = kept === role.name ? null : role.name;
      for (const button of list.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button === node && kept !== null));
      }
      light(kept);
    };
    const hover = { onpointerenter: () => light(role.name), onpointerleave: () => light(kept) };
    const node = el("button", { type: "button", "aria-pressed": "false", onclick: keep, ...hover },
      swatch, role.title, count);
    return el("li", {}, node);
  };
  list.append(...atlas.roles.groups().map(item));
  return list;
}
