// The first page: the run's numbers, heads that stand out, maps of all heads.

import { headHref, standoutsOf } from "../arithmetic/heads.js";
import { el } from "../shared/dom.js";
import { card, standoutCard } from "./cards.js";
import { evidenceNote } from "./evidence.js";
import { place, section, tools } from "./parts.js";
import { questionSection } from "./role-lists.js";
import { roleMap } from "./role-map.js";

/** Maps on the first page, as far as the run has them: metric, label, and a title where its own is long. */
const MAPS = [["null_attention"], ["attention_at_offset", "1"],
  ["dependency_excess", "either", "Along dependencies, beyond distances"], ["distance"], ["entropy"], ["variability"],
  ["pos_to", "NOUN"], ["pos_to", "DET"]];

const ROLES_HELP = "A colour is what a head does first of all, by rules over the run's results; point at it to read it "
  + "in a sentence. A click opens the head.";

const OPENS = "A click opens the head and the sentences that show it.";
const HELD_OUT = " Held out: the head chosen on even shards, scored on odd ones.";

export function drawOverview(root, atlas, _, go) {
  const numbers = atlas.headline.map(([name, value]) => el("div", {}, el("dd", {}, value), el("dt", {}, name)));
  root.append(el("p", { class: "eyebrow" }, "What each attention head does"), el("h1", {}, atlas.name),
    el("dl", { class: "numbers" }, ...numbers), ...missing(atlas), leftOut(atlas));
  if (atlas.roles) drawRoles(root, atlas, go);
  root.append(standouts(atlas), maps(atlas));
  return null;
}

/** What all heads do, and which of them answer the questions that are asked first. */
function drawRoles(root, atlas, go) {
  const found = section("What each head does", ROLES_HELP);
  const { host, status, say } = place();
  found.append(host, status);
  root.append(found);
  const { picture, legend } = roleMap(host, atlas, { say, choose: (layer, head) => go(headHref(atlas, layer, head)) });
  host.before(legend);
  found.append(tools(() => picture, () => atlas.roles.rows(atlas), "roles of heads"), questionSection(atlas));
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
  const all = standoutsOf(atlas);
  const found = section("Heads that stand out", OPENS + (all.some((one) => one.held_out) ? HELD_OUT : ""));
  const cards = all.map((one) => standoutCard(atlas, one));
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
