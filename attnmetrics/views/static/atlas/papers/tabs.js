// The ways between the papers.

import { el } from "../../shared/dom.js";

/** What the link to the papers is called. */
export const papersTitle = ({ papers }) => (papers.length > 1 ? "The papers" : "The paper");

export function tabs(atlas, key) {
  if (atlas.papers.length < 2) return [];
  const link = (paper, n) => {
    const current = paper.key === key ? "page" : null;
    return el("a", { href: n ? `#/paper/${paper.key}` : "#/paper", "aria-current": current }, paper.name);
  };
  return [el("nav", { class: "tabs", "aria-label": "Papers" }, ...atlas.papers.map(link))];
}
