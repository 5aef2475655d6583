// What follows the width of an element.

/** Draw when the width is first known, and again whenever it changes. */
export function onWidth(node, draw) {
  let width = 0;
  new ResizeObserver(() => {
    const now = Math.round(node.clientWidth);
    if (now && now !== width) draw(width = now);
  }).observe(node);
}
