// Parts of the atlas' pages: sections, the way back, tools to save what is shown.

import { el, save, savePng, saveSvg } from "./shared.js";

export function section(title, help = "") {
  return el("section", {}, el("h2", {}, title), ...(help ? [el("p", { class: "help" }, help)] : []));
}

export function crumbs(way, last) {
  return el("nav", { class: "crumbs", "aria-label": "Way back" }, ...way.flatMap(([href, name]) => [el("a", { href }, name), " › "]), last);
}

/** Buttons that save a drawing as SVG and PNG and its numbers as CSV; `picture` and `rows` give them. */
export function tools(picture, rows, name) {
  const file = name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "attnmetrics";
  const button = (kind, what) => el("button", { type: "button", class: "tool", title: `Save as ${kind}`, onclick: what }, kind);
  const found = el("div", { class: "tools save" });
  if (picture) found.append(button("SVG", () => saveSvg(picture(), file)), button("PNG", () => savePng(picture(), file)));
  if (rows) found.append(button("CSV", () => save(new Blob([csv(rows())], { type: "text/csv" }), `${file}.csv`)));
  return found;
}

/** Numbers in full; text that no spreadsheet takes for a formula, quoted where it must be (RFC 4180). */
export function csv(rows) {
  const cell = (value) => {
    const text = typeof value === "string" ? value.replace(/(?:^(?!-\d+$)|(?<=[;\t\r\n]))(?=\s*[=+\-@＝＋－＠]|[\t\r\n])/g, "'") : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
}
