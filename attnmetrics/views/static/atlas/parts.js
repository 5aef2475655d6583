// Parts of the atlas' pages: sections, the way back, lists of heads, tools to save what is shown.

import { el } from "../shared/dom.js";

export const OVERVIEW = ["#/", "Overview"];

export function section(title, help = "") {
  return el("section", {}, el("h2", {}, title), ...(help ? [el("p", { class: "help" }, help)] : []));
}

/** The way to a page: links [[href, name], …] to those above it, and its own name. */
export function crumbs(way, last) {
  const links = way.flatMap(([href, name]) => [el("a", { href }, name), " › "]);
  return el("nav", { class: "crumbs", "aria-label": "Way back" }, ...links, last);
}

/** A table of texts and elements; `header` may be null. A row is an array of cells. */
export function table(name, header, rows) {
  const columns = header && el("thead", {}, el("tr", {}, ...header.map((one) => el("th", { scope: "col" }, one))));
  const body = el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row)));
  return el("table", { class: name }, ...(columns ? [columns] : []), body);
}

/** Where a picture is drawn, with the line beneath it that tells what is pointed at: { host, status, say }. */
export function place() {
  const status = el("p", { class: "status-line", role: "status" });
  return { host: el("div", { class: "map-host" }), status, say: (words) => { status.textContent = words; } };
}

/** What a rule without a head finds that is no chance: "simpler rule: nearest verb before 96%". */
export const simpler = (words) => `simpler rule: ${words}`;
