// The atlas: addresses, and the pages behind them.

import { el, themeToggle } from "./shared.js";
import { probability } from "./charts.js";
import { drawExemplar } from "./exemplars.js";
import { drawFinder } from "./finder.js";
import { drawHeadPage } from "./headpage.js";
import { card } from "./maps.js";
import { drawMetricPage, drawMetrics } from "./metricpage.js";
import { pValue, shown } from "./numbers.js";
import { crumbs, section, tools } from "./parts.js";
import { headName, openAtlas } from "./tables.js";
import { drawTry } from "./try.js";

const PAGES = {
  "": drawOverview, metrics: drawMetrics, metric: drawMetricPage, head: drawHeadPage, find: drawFinder, paper: drawPaper, run: drawRun,
};
/** The page of a server, which has the model at hand. */
const SERVED = { try: (root, atlas, path, go, query) => { drawTry(root, atlas, query); return null; } };

export async function drawAtlas(root, data) {
  const atlas = await openAtlas(data);
  const go = (href) => { location.hash = href; };
  const pages = atlas.served ? { ...PAGES, ...SERVED } : PAGES;
  const links = [["#/", "Overview"], ["#/metrics", "Metrics"], ["#/find", "Find heads"], ...(atlas.served ? [["#/try", "Your sentence"]] : []), ["#/paper", "The paper"], ["#/run", "The run"]];
  const nav = el("nav", { class: "pages", "aria-label": "Pages" }, ...links.map(([href, name]) => el("a", { href }, name)));
  const page = el("div", { class: "page", tabindex: -1 });
  root.replaceChildren(el("header", { class: "bar" }, el("a", { class: "brand", href: "#/" }, atlas.name), nav, jump(atlas, go), themeToggle()), page);

  function draw() {
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const [name, ...rest] = path.split("/").map(decode);
    const view = Object.hasOwn(pages, name) ? pages[name] : null;
    page.replaceChildren();
    const fault = view ? view(page, atlas, rest, go, new URLSearchParams(query)) : `expected a page of the atlas, found ${path}`;
    if (fault) page.replaceChildren(el("h1", {}, "Not in this atlas"), el("p", {}, `${fault}.`), el("p", {}, el("a", { href: "#/" }, "Back to the overview")));
    nav.querySelectorAll("a").forEach((link) => {
      const here = link.getAttribute("href").replace(/^#\//, "") === ({ head: "", metric: "metrics" }[name] ?? name);
      if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
    });
    document.title = `${page.querySelector("h1")?.textContent ?? "Attention heads"} · ${atlas.name}`;
    const chosen = page.querySelector(".chosen");
    if (chosen) chosen.scrollIntoView({ block: "center" }); else scrollTo(0, 0);
  }

  addEventListener("hashchange", () => { draw(); page.focus({ preventScroll: true }); });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    if (!page.querySelector(".try")) draw();  // the views follow the width themselves
  });
  draw();
}

/** A part of an address as text; as it stands where it is not well formed. */
const decode = (part) => { try { return decodeURIComponent(part); } catch { return part; } };

/** Go to a head by its numbers. */
function jump(atlas, go) {
  const input = el("input", { type: "text", inputmode: "decimal", placeholder: "layer.head", "aria-label": "Go to a head: layer.head", size: 9 });
  return el("form", { class: "jump", onsubmit: (event) => {
    event.preventDefault();
    const found = input.value.match(/^\D*(\d+)\D+(\d+)\D*$/);
    input.setCustomValidity(found ? "" : "Two numbers: layer and head, such as 4.11");
    if (!found) return input.reportValidity();
    input.value = "";
    return go(`#/head/${Number(found[1])}/${Number(found[2])}`);
  }, oninput: () => input.setCustomValidity("") }, input);
}

function drawOverview(root, atlas) {
  root.append(el("p", { class: "eyebrow" }, "What each attention head does"), el("h1", {}, atlas.name),
    el("dl", { class: "numbers" }, ...atlas.headline.map(([name, value]) => el("div", {}, el("dd", {}, value), el("dt", {}, name)))));
  if (atlas.missing) root.append(el("p", { class: "missing", role: "alert" }, `${atlas.missing} shards are missing from everything here: see the run's facts.`));
  const leftOut = atlas.left_out.filter(([, value]) => value !== "0").map(([name, value]) => `${name} ${value}`);
  root.append(el("p", { class: "note" }, leftOut.length ? `Left out or cut: ${leftOut.join(", ")}.` : "Nothing was left out or cut."));
  const heads = section("Heads that stand out", "A click opens the head and the sentences that show it.");
  heads.append(atlas.standouts.length ? el("div", { class: "roles-grid" }, ...atlas.standouts.map((one) => role(atlas, one))) : el("p", { class: "note" }, "No head has evidence in this run."));
  const maps = section("Maps of all heads", "Layers go down, heads across; the stronger the colour, the larger the value.");
  const find = (name, label) => [atlas.byName.get(name), label == null ? 0 : atlas.byName.get(name).labels.indexOf(label)];
  const chosen = [["null_attention"], ["attention_at_offset", "1"], ["dependency_alignment", "either"], ["distance"], ["entropy"], ["variability"], ["pos_to", "NOUN"], ["pos_to", "DET"]];
  maps.append(el("div", { class: "cards" }, ...chosen.map(([name, label]) => find(name, label)).filter(([, label]) => label >= 0).map(([metric, label]) => card(atlas, metric, label, metric.heading(metric.dim ? label : null)))),
    el("a", { href: "#/metrics" }, "all metrics"));
  root.append(heads, maps);
  return null;
}

function role(atlas, one) {
  const metric = atlas.byName.get(one.metric);
  return el("a", { class: "role-card", href: `#/head/${one.layer}/${one.head}` }, el("span", { class: "role" }, one.title), el("span", { class: "value" }, shown(metric, one.value)),
    el("span", { class: "where" }, `layer ${one.layer} head ${one.head}`), el("span", { class: "note" }, `median ${shown(metric, one.median)}`));
}

/** The paper's figures, correlations and numbers. */
function drawPaper(root, atlas, [part]) {
  root.append(crumbs([["#/", "Overview"]], "The paper"), el("h1", {}, "The paper, on this run"),
    el("p", { class: "help" }, "J. Vig and Y. Belinkov, Analyzing the Structure of Attention in a Transformer Language Model, 2019, arXiv:1906.04284: its figures, drawn from this run's tables, and its numbers beside this run's."));
  const figures = section("Figures");
  figures.append(el("ul", { class: "figures" }, ...atlas.figures.map(([number, title, path]) => el("li", {}, el("a", { href: `#/${path}` }, el("b", {}, `Figure ${number}`), ` ${title}`)))));
  root.append(figures);

  const three = section("Three heads and a sentence of each", "Figure 4: the extremes, each with the sentence of its strongest single attention.");
  if (part === "three-heads") three.classList.add("chosen");
  for (const one of atlas.extremes) {
    const [layer, head] = [atlas.layers.indexOf(one.layer), atlas.heads.indexOf(one.head)];
    const [best] = atlas.exemplars[layer * atlas.heads.length + head];
    const metric = atlas.byName.get(one.metric);
    three.append(el("h3", {}, `${one.title.charAt(0).toUpperCase()}${one.title.slice(1)}: `, el("a", { href: `#/head/${one.layer}/${one.head}` }, headName(atlas, layer, head)), ` (${shown(metric, one.value)})`));
    three.append(best ? el("ol", { class: "exemplars" }, drawExemplar(best, `#/head/${one.layer}/${one.head}/${best.rank}`)) : el("p", { class: "note" }, "no sentence to show"));
  }
  root.append(three);

  const correlations = section("Correlations over heads", "Section 4.4.");
  correlations.append(el("ul", {}, ...atlas.correlations.map((one) => {
    const against = one.y === "entropy" ? "entropy" : "alignment";
    const numbers = one.r == null ? "too few heads" : `r = ${one.r.toFixed(2).replace("-", "−")}, ${pValue(one.p)}`;
    const query = new URLSearchParams({ y: one.y, ...(one.label ? { yl: one.label } : {}), x: one.x });
    return el("li", {}, el("a", { href: `#/find?${query}` }, `distance and ${against}`), `: ${numbers}`);
  })));
  root.append(correlations);

  const table = section("Numbers", "Published for GPT-2 small on English Wikipedia, annotated by spaCy 2. Another model, corpus or pipeline need not agree.");
  table.append(el("div", { class: "scroll" }, el("table", { class: "comparison" }, el("thead", {}, el("tr", {}, ...["claim", "unit", "paper", "this run"].map((one) => el("th", { scope: "col" }, one)))),
    el("tbody", {}, ...atlas.paper.map(([claim, unit, published, found, given]) => el("tr", {}, el("td", {}, claim), el("td", { class: "note" }, unit), el("td", {}, published), el("td", { class: given ? "" : "note" }, found)))))));
  root.append(table);
  return null;
}

function drawRun(root, atlas) {
  root.append(crumbs([["#/", "Overview"]], "The run"), el("h1", {}, "The run"));
  const rows = (list) => el("table", { class: "facts" }, el("tbody", {}, ...list.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))));
  const about = section("What was measured");
  about.append(rows(atlas.about));
  const corpus = section("The corpus");
  corpus.append(rows(atlas.corpus.map(([title, value]) => [title, value])));
  root.append(about, corpus);
  const chance = section("How probable a dependency is at each distance", "What a head that chose by distance alone would find (section 4.3).");
  root.append(chance);
  const picture = probability(atlas.probability, Math.max(280, Math.min(700, chance.clientWidth || 640)));
  chance.append(picture, tools(() => picture, () => [["distance", "probability"], ...[...atlas.probability].map((value, distance) => [distance, value])], "dependency probability"));
  const facts = section("All that run.json says");
  facts.append(el("details", {}, el("summary", {}, `${atlas.facts.length} facts`), el("div", { class: "scroll" }, rows(atlas.facts))));
  root.append(facts);
  return null;
}
