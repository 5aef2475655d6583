// The cells of all heads, coloured by what they do.

import { headName, placeOf } from "../arithmetic/heads.js";
import { roleName } from "../arithmetic/roles.js";
import { extent, round } from "../arithmetic/scales.js";
import { sheet, svg, text } from "../shared/dom.js";
import { textWidth } from "../shared/font.js";

/** Pixels: of a colour in the legend, between two of its words, of a line. */
const [SWATCH, GAP, LINE] = [10, 14, 17];
/** How full the colour is of the head that has a role least. */
const FAINTEST = 0.35;
const AROUND = (x, y, wide, tall) => `M${x} ${y}h${wide}v${tall}h${-wide}z`;
const ACROSS = (x, y, wide, tall) => `M${x} ${round(y + tall)}l${wide} ${-tall}`;

/**
 * The cells of all roles: { nodes, light }; light(name) makes all pale but the heads of one role, which have its
 * colour, the fuller the more strongly they do it; light(null) none.
 */
export function drawRoles(atlas, { box }) {
  const groups = atlas.roles.groups().map(({ role, places }) => group(atlas, role, places, box));
  const own = svg("g", { class: "role-held" });
  const light = (name) => {
    groups.forEach((node) => node.classList.toggle("pale", name !== null));
    own.replaceChildren(...(name === null ? [] : heldCells(atlas, atlas.roles.byName.get(name), box)));
  };
  return { nodes: [...groups, own], light };
}

/** A cell for each head of a role. */
function heldCells(atlas, role, box) {
  const holders = atlas.roles.holders(role.name);
  const [low, top] = extent(holders.map(({ strength }) => strength));
  const fill = role.name ? role.colour : "var(--muted)";
  const fullness = (strength) => (top > low ? FAINTEST + ((1 - FAINTEST) * (strength - low)) / (top - low) : 1);
  return holders.map(({ place, strength }) => svg("path", {
    d: way(atlas, [place], box, AROUND), fill, "fill-opacity": round(fullness(strength)), "data-place": place,
  }));
}

/** The cells of a role in one path; those that are switched off are crossed out. */
function group(atlas, role, places, box) {
  const node = svg("g", { class: "role-cells", "data-role": role.name });
  node.append(svg("path", { d: way(atlas, places, box, AROUND), fill: role.colour }));
  if (role.name === "nearly switched off") {
    node.append(svg("path", { d: way(atlas, places, box, ACROSS), stroke: "var(--page)", "stroke-width": 1.2 }));
  }
  return node;
}

/** The way of a pen over the cells of heads, of each as `one` has it from its corner and its size. */
function way(atlas, places, { left, top, width, height, gap }, one) {
  const size = [width - gap, height - gap].map(round);
  const across = (place) => round(left + (place % atlas.heads.length) * width);
  const down = (place) => round(top + Math.floor(place / atlas.heads.length) * height);
  return places.map((place) => one(across(place), down(place), ...size)).join("");
}

/** What the colours of roles mean, in as many lines as it takes. */
export function roleLegend(atlas, width) {
  const parts = [];
  let [x, y] = [0, 4];
  for (const { role } of atlas.roles.groups()) {
    const room = SWATCH + 5 + textWidth(roleName(role), 11) + GAP;
    if (x && x + room > width) [x, y] = [0, y + LINE];
    const look = { width: SWATCH, height: SWATCH, rx: 2, fill: role.colour, stroke: "var(--line)" };
    parts.push(svg("rect", { x: round(x), y, ...look }), text(x + SWATCH + 5, y + SWATCH - 1, roleName(role)));
    x += room;
  }
  return sheet(width, y + LINE, {}, ...parts);
}

/** What is told of a head. */
export function describeRole(atlas, [layer, head]) {
  const name = headName(atlas, layer, head);
  const sentence = atlas.roles.sentence(placeOf(atlas, layer, head));
  return { name, words: `${name}: ${sentence}`, lines: [[sentence, ""]] };
}
