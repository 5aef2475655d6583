// The first page: the run's numbers, heads that stand out, maps of all heads.

import { standoutsOf } from "../arithmetic/heads.js";
import { el } from "../shared/dom.js";
import { card, standoutCard } from "./cards.js";
import { evidenceNote } from "./evidence.js";
import { section } from "./parts.js";

/** Maps on the first page, as far as the run has them: metric, label, and a title where its own is long. */
const MAPS = [["null_attention"], ["attention_at_offset", "1"],
  ["dependency_excess", "either", "Along dependencies, beyond distances"], ["distance"], ["entropy"], ["variability"],
  ["pos_to", "NOUN"], ["pos_to", "DET"]];

export function drawOverview(root, atlas) {
  const numbers = atlas.headline.map(([name, value]) => el("div", {}, el("dd", {}, value), el("dt", {}, name)));
  root.append(el("p", { class: "eyebrow" }, "What each attention head does"), el("h1", {}, atlas.name),
    el("dl", { class: "numbers" }, ...numbers), ...missing(atlas), leftOut(atlas), standouts(atlas), maps(atlas));
  return null;
}

function missing(atlas) {
  if (!atlas.missing) return [];
  const words = `${atlas.missing} shards are missing from everything here: see the run's facts.`;
  return [el("p", { class: "missing", role: "alert" }, words)];
}

function leftOut(atlas) {
  const counted = atlas.left_out.filter(([, value]) => value !== "0").map(([name, value]) => `${name} ${value}`);
  const words = counted.length ? `Left out or cut: ${counted.join(", ")}.` : "Nothing was left out or cut.";
  return el("p", { class: "note" }, words);
}

function standouts(atlas) {
  const found = section("Heads that stand out", "A click opens the head and the sentences that show it.");
  const cards = standoutsOf(atlas).map((one) => standoutCard(atlas, one));
  const none = el("p", { class: "note" }, "No head has evidence in this run.");
  found.append(evidenceNote(atlas), cards.length ? el("div", { class: "roles-grid" }, ...cards) : none);
  return found;
}

function maps(atlas) {
  const help = "Layers go down, heads across; the stronger the colour, the larger the value.";
  const found = section("Maps of all heads", help);
  const chosen = MAPS.map(([name, label, title]) => ({ metric: atlas.byName.get(name), label, title }))
    .filter(({ metric }) => metric)
    .map(({ metric, label, title }) => ({ metric, label: metric.place(label), title }))
    .filter(({ label }) => label >= 0);
  const cards = chosen.map(({ metric, label, title }) => card(atlas, metric, label, title));
  found.append(el("div", { class: "cards" }, ...cards), el("a", { href: "#/metrics" }, "all metrics"));
  return found;
}
