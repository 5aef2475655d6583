// A small table beside the pointer.

import { el } from "./dom.js";

/** Lines are [label, value, colour], the colour where there is one; text stays text. */
export function tooltip(root) {
  const box = el("div", { class: "tip", hidden: true });
  root.append(box);
  const show = (event, name, lines) => {
    box.replaceChildren(el("b", {}, name), ...lines.map(line));
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
    const isBelow = event.clientY + height + 24 < innerHeight;
    box.style.top = `${isBelow ? event.clientY + 16 : Math.max(4, event.clientY - height - 12)}px`;
  };
  return { box, show, hide: () => { box.hidden = true; } };
}

function line([label, value, colour]) {
  const mark = colour ? el("i", { style: `background:${colour}` }) : "";
  return el("div", {}, mark, el("span", {}, label), el("span", { class: "number" }, value));
}
