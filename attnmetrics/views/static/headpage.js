// The page of one head: its metrics with their rank, its profile, its attention by offset, its sentences.

import { el } from "./shared.js";
import { headMap } from "./maps.js";
import { offsets, profile, strip } from "./charts.js";
import { drawExemplar } from "./exemplars.js";
import { ordinal, shown } from "./numbers.js";
import { headHref, headName, placeOf } from "./tables.js";
import { crumbs, section, tools } from "./parts.js";

const FIRST = 3;
/** Sentences shown at first. */
const PROFILES = [["pos_to", "Looks at"], ["pos_from", "Looks from"], ["dependency_type_to", "Looks at words that are"]];

export function drawHeadPage(root, atlas, [layerName, headLabel, rank], go) {
  const [layer, head] = [atlas.layers.findIndex((one) => String(one) === layerName), atlas.heads.findIndex((one) => String(one) === headLabel)];
  if (layer < 0 || head < 0) return `expected a head of ${atlas.layers.length} layers and ${atlas.heads.length} heads, found layer ${layerName} head ${headLabel}`;
  const name = headName(atlas, layer, head);
  const place = placeOf(atlas, layer, head);
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  root.append(crumbs([["#/", "Overview"]], title), el("div", { class: "page-top" }, el("h1", {}, title), steps(atlas, layer, head)));
  const roles = atlas.standouts.filter((one) => one.layer === atlas.layers[layer] && one.head === atlas.heads[head]);
  const own = new URLSearchParams({ view: "head", layer: atlas.layers[layer], head: atlas.heads[head] });
  if (atlas.served) root.append(el("p", {}, el("a", { href: `#/try?${own}` }, "See it in a sentence of your own")));
  if (roles.length) root.append(el("p", { class: "roles" }, "Of all heads: ", ...roles.map((one) => el("span", { class: "role-tag" }, one.title))));

  const sentences = examples(atlas, place, layer, head, Number(rank ?? 0));
  root.append(sentences);
  root.append(metricTable(atlas, layer, head, name));

  const found = section("What it looks at", "Bars are this head, the orange line the mean of all heads.");
  const grid = el("div", { class: "profiles" });
  found.append(grid);
  root.append(found);
  for (const [metricName, heading] of PROFILES) {
    const metric = atlas.byName.get(metricName);
    const block = el("div", {}, el("h3", {}, heading));
    grid.append(block);
    const all = metric.present().filter((label) => metric.at(layer, head, label) > 0).length;
    if (!all) { block.append(el("p", { class: "note" }, "no evidence")); continue; }
    const draw = (most) => profile(atlas, metric, layer, head, most, Math.max(250, Math.min(380, block.clientWidth || 300)));
    let picture = draw(10);
    const rows = () => [[metric.dim, name, "mean of all heads"], ...metric.labels.map((label, n) => [label, metric.at(layer, head, n), metric.mean(n)])];
    const save = tools(() => picture, rows, `${name} ${metric.name}`);
    block.append(picture, save);
    const more = (event) => { const whole = draw(all); picture.replaceWith(whole); picture = whole; event.target.remove(); };
    if (all > 10) save.append(el("button", { type: "button", class: "link", onclick: more }, `all ${all}`));
  }

  const away = section("Attention by offset", "0 is the piece itself, 1 the previous one. Bars are this head, the line is the mean of all heads.");
  root.append(away);
  const offset = atlas.byName.get("attention_at_offset");
  const drawn = offsets(atlas, offset, layer, head, Math.max(280, Math.min(760, away.clientWidth || 700)));
  const rows = () => [["offset", name, "mean of all heads"], ...offset.labels.map((label, n) => [label, offset.at(layer, head, n), offset.mean(n)])];
  away.append(drawn, tools(() => drawn, rows, `${name} offsets`));

  const where = section("Where it is", "Null attention of all heads; the frame marks this one.");
  const host = el("div", { class: "map-host" });
  const status = el("p", { class: "status-line", role: "status" });
  where.append(host, status);
  root.append(where);
  headMap(host, atlas, atlas.byName.get("null_attention"), 0, { say: (text) => { status.textContent = text; }, choose: (a, b) => go(headHref(atlas, a, b)), marked: [layer, head] });
  return null;
}

function steps(atlas, layer, head) {
  const to = (name, sign, a, b) => {
    const exists = atlas.layers[a] !== undefined && atlas.heads[b] !== undefined;
    return exists ? el("a", { class: "tool", href: headHref(atlas, a, b), "aria-label": name, title: name }, sign) : el("span", { class: "tool off", "aria-hidden": "true" }, sign);
  };
  return el("div", { class: "tools" }, to("Head before", "←", layer, head - 1), to("Next head", "→", layer, head + 1), to("Same head, layer above", "↑", layer - 1, head), to("Same head, layer below", "↓", layer + 1, head));
}

const ofUnit = {
  sentence: "Those with its strongest single attention.",
  window: "Of the windows with its strongest single attention, those that hold the two pieces. Windows are not read again to draw the rest.",
};

function examples(atlas, place, layer, head, rank) {
  const list = atlas.exemplars[place];
  const found = section("Sentences", list.length
    ? `${ofUnit[atlas.unit]} The outlined piece looks at ${list.some((one) => one.row) ? "the coloured ones; point at any other piece to see where it looks." : "the coloured one."}`
    : "");
  found.id = "sentences";
  if (!list.length) found.append(el("p", { class: "note" }, "No sentence: the head attends to nothing that is measured."));
  const open = (exemplar) => (atlas.served
    ? [" · ", el("a", { href: `#/try?${new URLSearchParams({ text: textOf(exemplar), view: "head", layer: atlas.layers[layer], head: atlas.heads[head] })}` }, "see all heads in it")]
    : []);
  const items = el("ol", { class: "exemplars" });
  const add = (some) => items.append(...some.map((one) => drawExemplar(one, `${headHref(atlas, layer, head)}/${one.rank}`, open(one))));
  const first = rank > FIRST ? list.length : FIRST;
  add(list.slice(0, first));
  found.append(items);
  if (list.length > first) found.append(el("button", { type: "button", class: "link", onclick: (event) => { add(list.slice(first)); event.target.remove(); items.children[first].querySelector("a").focus(); } }, `${list.length - first} more`));
  const rows = () => [["rank", "weight", "source", "attending", "attended", "i", "j", "text"], ...list.map((one) => [one.rank, one.weight, one.source, one.pieces[one.i], one.pieces[one.j], one.i, one.j, textOf(one)])];
  if (list.length) found.append(tools(null, rows, `${headName(atlas, layer, head)} sentences`));
  const chosen = items.querySelector(`[data-rank="${rank}"]`);
  if (chosen) chosen.classList.add("chosen");
  return found;
}

const textOf = (exemplar) => exemplar.pieces.map((piece, n) => (exemplar.spaces[n] === "1" ? " " : "") + piece).join("");

function metricTable(atlas, layer, head, name) {
  const found = section("All its metrics", "Every tick is a head, the dot is this one.");
  const rows = [...lines(atlas, layer, head)];
  const body = el("tbody", {}, ...rows.map(({ metric, label, value, rank, of }) => el("tr", {},
    el("th", { scope: "row" }, el("a", { href: metric.href(label) }, metric.heading(metric.dim ? label : null))),
    el("td", { class: "value" }, shown(metric, value)),
    el("td", { class: "rank" }, rank ? `${ordinal(rank)} of ${of}` : "no evidence"),
    el("td", { class: "strip-cell" }, strip(metric, label, value)))));
  found.append(el("div", { class: "scroll" }, el("table", { class: "metrics full" }, el("thead", {}, el("tr", {}, ...["metric", "value", "rank, from the highest", "among all heads"].map((one) => el("th", { scope: "col" }, one)))), body)));
  const full = () => [["metric", "label", "value", "rank", "of", "unit"], ...atlas.metrics.flatMap((metric) => (metric.dim ? metric.labels.map((_, label) => label) : [0]).map((label) => {
    const order = metric.order(label);
    const rank = order.indexOf(placeOf(atlas, layer, head)) + 1;
    return [metric.name, metric.dim ? metric.labels[label] : "", metric.at(layer, head, label), rank || "", order.length, metric.unit];
  }))];
  found.append(tools(null, full, name));
  return found;
}

/** The metrics without labels, and the few labels that most readers ask for. */
function* lines(atlas, layer, head) {
  for (const metric of atlas.metrics) {
    const labels = !metric.dim ? [0] : { dependency_alignment: ["attending_is_parent", "attended_is_parent", "either"], attention_at_offset: ["0", "1"] }[metric.name]?.map((one) => metric.labels.indexOf(one)) ?? [];
    for (const label of labels) {
      const order = metric.order(label);
      yield { metric, label, value: metric.at(layer, head, label), rank: order.indexOf(placeOf(atlas, layer, head)) + 1, of: order.length };
    }
  }
}
