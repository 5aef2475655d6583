// Light or dark: as the reader's system, or as a person chose before.

import { el } from "./dom.js";

const NAME = "attnmetrics-theme";

/** What a person chose is kept, where a page may keep anything: a frame in a notebook may not. */
function keep(theme) {
  try { localStorage.setItem(NAME, theme); } catch { /* it is forgotten */ }
}

/** The theme that a person chose before. */
function restore() {
  try {
    const theme = localStorage.getItem(NAME);
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch { /* there is none */ }
}

restore(); // at once: a browser asks another process for it, meanwhile the page is read on

const SYSTEM = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : SYSTEM.matches;
}

/** The button that changes the theme; it says which one a click gives. */
export function themeButton() {
  const button = el("button", { type: "button", class: "tool theme" });
  const tell = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.title = `To ${isDark() ? "light" : "dark"} colours`;
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    keep(document.documentElement.dataset.theme);
    tell();
  });
  SYSTEM.addEventListener("change", tell);
  tell();
  return button;
}
