// Keys that work on every page, and the dialog that names them.

import { el } from "../shared/dom.js";

const KEYS = [
  ["/", "search"], ["?", "these keys"],
  ["← → ↑ ↓", "on a map: the head beside it; on a head's page: the next head, the layer above or below"],
  ["Enter", "open the head that is pointed at"], ["Esc", "close what is open"],
];

/** What hears keys itself. */
const BUSY = "input, select, textarea, dialog, [role=group], [role=tablist]";

/** Listen for them: `search`, a box with focus(). */
export function listenForKeys(search) {
  const dialog = keysDialog();
  document.body.append(dialog);
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") search.focus();
    else if (event.key === "?") dialog.showModal();
    else if (!step(event)) return;
    event.preventDefault();
  });
}

/** Whether a key is meant for what has the focus. */
const isTyping = (target) => target instanceof Element && target.closest(BUSY);

/** Follow the link of a head's page that an arrow key names; whether there is one. */
function step({ key }) {
  const link = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  link?.click();
  return Boolean(link);
}

function keysDialog() {
  const rows = KEYS.map(([key, words]) => el("tr", {}, el("th", {}, el("kbd", {}, key)), el("td", {}, words)));
  const dialog = el("dialog", { class: "keys", "aria-label": "Keys" }, el("h2", {}, "Keys"), el("table", {}, ...rows));
  const close = el("button", { type: "button", class: "tool", onclick: () => dialog.close() }, "Close");
  dialog.append(close);
  return dialog;
}
