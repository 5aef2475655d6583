// Drawings that are made when they come into sight, or are about to be printed.

const waiting = new Map();

const watch = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) draw(target);
}, { rootMargin: "400px" });

addEventListener("beforeprint", () => { for (const node of [...waiting.keys()]) draw(node); });

/** Have a node drawn as soon as it is seen. */
export function whenSeen(node, fill) {
  waiting.set(node, fill);
  watch.observe(node);
  return node;
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
  fill?.();
}
