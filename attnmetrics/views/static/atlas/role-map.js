// The cells of all heads, coloured by what they do.

import { headName, placeOf } from "../arithmetic/heads.js";
import { roleName } from "../arithmetic/roles.js";
import { round } from "../arithmetic/scales.js";
import { sheet, svg, text } from "../shared/dom.js";
import { textWidth } from "../shared/font.js";

/** Pixels: of a colour in the legend, between two of its words, of a line. */
const [SWATCH, GAP, LINE] = [10, 14, 17];

/** The cells of all roles: { nodes, light }; light(name) makes those of all other roles pale, light(null) none. */
export function drawRoles(atlas, { box }) {
  const groups = new Map(atlas.roles.groups().map(({ role, places }) => [role.name, group(atlas, role, places, box)]));
  const light = (name) => groups.forEach((node, own) => {
    node.classList.toggle("pale", name !== null && own !== name);
    node.classList.toggle("lit", own === name);
  });
  return { nodes: [...groups.values()], light };
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
  if (role.name === "nearly switched off") {
    const strokes = places.map(corner).map(([x, y]) => `M${x} ${round(y + tall)}l${wide} ${-tall}`).join("");
    node.append(svg("path", { d: strokes, stroke: "var(--page)", "stroke-width": 1.2 }));
  }
  return node;
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
