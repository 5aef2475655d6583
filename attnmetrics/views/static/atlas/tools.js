// Buttons that save what is shown, as files that say by themselves what they are of.

import { csv, withAbout } from "../arithmetic/csv.js";
import { el } from "../shared/dom.js";
import { save, savePng, saveSvg } from "../shared/export.js";

/** What definitions are written in that the run's notation explains. */
const SYMBOLS = /\b[FM]\b|α/;
const SHOWN_MILLISECONDS = 1500;

/**
 * Buttons that save a drawing as SVG and PNG and its numbers as CSV; `picture` and `rows` give them, null for none.
 * titles: lines above the drawing in its files; without any, what the page says of itself.
 */
export function tools(picture, rows, name, titles = []) {
  const found = el("div", { class: "tools save" });
  const told = () => (titles.length ? titles : titlesOf(found));
  const button = (kind, hint, onclick) => el("button", { type: "button", class: "tool", title: hint, onclick }, kind);
  const saves = (kind, write) => button(kind, `Save as ${kind}`, () => write(fileName(found, name), told()));
  if (picture) {
    found.append(saves("SVG", (file, lines) => saveSvg(picture(), file, lines)),
      saves("PNG", (file, lines) => savePng(picture(), file, lines)));
  }
  if (rows) {
    const blob = (lines) => new Blob([csv(withAbout(rows(), lines.join(" · ")))], { type: "text/csv" });
    found.append(saves("CSV", (file, lines) => save(blob(lines), `${file}.csv`)));
  }
  found.append(button("Link", "Copy the address of what is shown", copyLink));
  return found;
}

/**
 * What the page says of itself: what is shown, of which model and corpus, by which definition, and what its marks mean.
 * A part of the page may have the first, the third and the last as its data.
 */
function titlesOf(node) {
  const page = node.closest(".page");
  const part = node.closest("[data-title], section");
  const definition = definitionOf(page, part);
  const notation = SYMBOLS.test(definition ?? "") ? page?.dataset.notation : "";
  return [titleOf(page, part), page?.dataset.source, definition, notation, part?.dataset.legend].filter(Boolean);
}

function titleOf(page, part) {
  const words = [page?.querySelector("h1")?.textContent, part?.dataset.title ?? wordsOf(part, "h2, h3")];
  return [...new Set(words.filter(Boolean))].join(": ");
}

const definitionOf = (page, part) =>
  part?.dataset.definition ?? wordsOf(part ?? page, ".formula") ?? wordsOf(page, ":scope > p .formula");

const wordsOf = (node, selector) => node?.querySelector(selector)?.textContent;

/** `fileName(node, "Attention to NOUN")` is "smollm2-attention-to-noun" of a model in a folder of that name. */
function fileName(node, name) {
  const model = node.closest(".page")?.dataset.model ?? "";
  const slug = `${model} ${name}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return slug || "attnmetrics";
}

async function copyLink({ currentTarget: button }) {
  const isCopied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  const before = button.textContent;
  button.textContent = isCopied ? "Copied" : "See the address bar";
  setTimeout(() => { button.textContent = before; }, SHOWN_MILLISECONDS);
}
