// Light or dark: as the reader's system, or as a person chose before.

import { toggle } from "./controls.js";

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

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function themeToggle() {
  const change = (dark) => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    keep(document.documentElement.dataset.theme);
  };
  return toggle("Dark", isDark(), change, "Light or dark");
}
