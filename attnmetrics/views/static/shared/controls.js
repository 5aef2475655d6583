// What a person chooses with: menus, steps, switches.

import { el } from "./dom.js";

/**
 * A menu.
 *
 * options: [[value, name], …], or shelves of them [{ title, options }, …]; change: hears the chosen value, a text.
 */
export function choice(label, options, value, change) {
  const select = el("select", { onchange: () => change(select.value), "aria-label": label });
  const option = ([key, name]) => el("option", { value: key, selected: String(key) === String(value) }, name);
  const entry = (one) => (Array.isArray(one)
    ? option(one)
    : el("optgroup", { label: one.title }, ...one.options.map(option)));
  select.append(...options.map(entry));
  return el("label", { class: "field" }, el("span", {}, label), select);
}

/** A menu with a button on either side. */
export function stepper(label, options, value, change) {
  const field = choice(label, options, value, change);
  const select = field.querySelector("select");
  const move = (step) => {
    const next = select.selectedIndex + step;
    if (next < 0 || next >= options.length) return;
    select.selectedIndex = next;
    change(select.value);
  };
  const arrow = (name, sign, step) => el("button", {
    type: "button", class: "step", "aria-label": `${name} ${label.toLowerCase()}`, onclick: () => move(step),
  }, sign);
  return el("div", { class: "stepper" }, field, arrow("Previous", "‹", -1), arrow("Next", "›", 1));
}

/** A switch; `change` hears whether it is on. */
export function toggle(label, pressed, change, hint = "") {
  const attributes = { type: "button", class: "toggle", "aria-pressed": String(pressed), title: hint };
  const button = el("button", attributes, label);
  button.addEventListener("click", () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    change(now);
  });
  return button;
}

/** A button that looks like a link and goes nowhere. */
export const action = (name, onclick) => el("button", { type: "button", class: "link", onclick }, name);
