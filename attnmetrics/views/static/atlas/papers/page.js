// The papers: an address chooses one.

import { drawClark } from "./clark.js";
import { drawVigBelinkov } from "./vig-belinkov.js";

const CLARK = "clark-2019";

export function drawPaper(root, atlas, parts, go) {
  const paper = atlas.papers.find(({ key }) => key === parts[0]);
  if (paper?.key === CLARK) return drawClark(root, atlas, paper, parts[1], go);
  return drawVigBelinkov(root, atlas, atlas.papers[0], parts.at(-1));
}
