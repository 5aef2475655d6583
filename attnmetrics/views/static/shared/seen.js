// Drawings that are made when they come into sight, or after the first of a page, or are about to be printed.

import { isWhole, whole } from "./unpack.js";

const waiting = new Map();
let isDrawing = false;

const watch = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) draw(target);
}, { rootMargin: "400px" });

addEventListener("beforeprint", () => { if (isWhole()) for (const node of [...waiting.keys()]) draw(node); });

/** Have a node drawn as soon as it is seen. */
export function whenSeen(node, fill) {
  waiting.set(node, fill);
  watch.observe(node);
  return node;
}

/** Have a node filled once what is before it on the page is seen, and arrays have their numbers. */
export function afterFirst(node, fill) {
  node.dataset.later = "";
  waiting.set(node, fill);
  if (isDrawing) return node;
  isDrawing = true;
  afterFrame().then(whole).then(drawNext);
  return node;
}

/** Settles when what the page holds is seen. */
export const afterFrame = () => new Promise((settle) => { requestAnimationFrame(() => setTimeout(settle)); });

/** One a task, so that the page answers in between. */
function drawNext() {
  const next = [...waiting.keys()].find(({ dataset }) => dataset.later !== undefined);
  isDrawing = next !== undefined;
  if (!next) return;
  draw(next);
  setTimeout(drawNext);
}

/** Forget the nodes that wait, with the page that they are of. */
export function forgetUnseen() {
  watch.disconnect();
  waiting.clear();
}

function draw(node) {
  const fill = waiting.get(node);
  waiting.delete(node);
  watch.unobserve(node);
  delete node.dataset.later;
  fill?.();
}
