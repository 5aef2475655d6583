// A box that goes to a head by its numbers.

import { headNumber } from "../arithmetic/head-number.js";
import { el } from "../shared/dom.js";

const HINT = "Two numbers: layer and head, such as 4.11";

/** { form, focus() }; go(href) leads to a head. */
export function jumpBox(go) {
  const name = "Go to a head: layer.head";
  const attributes = { type: "text", inputmode: "decimal", placeholder: "layer.head", "aria-label": name, size: 9 };
  const input = el("input", attributes);
  const onsubmit = (event) => {
    event.preventDefault();
    const found = headNumber(input.value);
    input.setCustomValidity(found ? "" : HINT);
    if (!found) { input.reportValidity(); return; }
    input.value = "";
    go(`#/head/${found.layer}/${found.head}`);
  };
  const form = el("form", { class: "search", onsubmit, oninput: () => input.setCustomValidity("") }, input);
  return { form, focus: () => input.focus() };
}
