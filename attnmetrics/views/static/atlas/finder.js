// The finder: heads with the highest or lowest of any metric, and any metric against any other, by layer.

import { pearson } from "../arithmetic/correlation.js";
import { columnName, pairRows } from "../arithmetic/csv.js";
import { axesOf, headsAsked, ordered, pairs, readQuestion, writeQuestion } from "../arithmetic/finder.js";
import { claimHref, headAt, headHref, headName, placeOf } from "../arithmetic/heads.js";
import { labelName, startLabel } from "../arithmetic/labels.js";
import { against, number, pValue } from "../arithmetic/numbers.js";
import { action, choice } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { evidenceNote, fromHowMuch } from "./evidence.js";
import { crumbs, OVERVIEW, place, table, tools } from "./parts.js";
import { axisName } from "./scatter-scene.js";
import { scatter } from "./scatter.js";
import { shelves } from "../arithmetic/shelves.js";

/** Heads listed at first. */
const SHOWN = 20;
const ORDERS = [["highest", "highest"], ["lowest", "lowest"]];
const HELP = "Choose two metrics and the layers: heads in order of the first, and both against each other. A dot is a "
  + "head; the stronger its colour, the deeper.";

export function drawFinder(root, atlas, _, go, query) {
  new Finder(root, atlas, go, readQuestion(atlas, query)).draw();
  return null;
}

function inWords({ r, p, n }) {
  if (Number.isNaN(r)) return "Too few heads for a correlation";
  return `Pearson r = ${number(Math.round(r * 1000) / 1000)}, ${pValue(p)}, ${n} heads`;
}

class Finder {
  constructor(root, atlas, go, question) {
    Object.assign(this, { atlas, go, question, plot: place() });
    this.presets = el("div", { class: "presets" });
    this.controls = el("div", { class: "controls finder" });
    this.answer = el("p", { class: "correlation", role: "status" });
    this.saved = el("div");
    this.list = el("div", { class: "ranked wide" });
    const { host, status } = this.plot;
    const left = el("div", {}, this.answer, host, status, this.saved);
    root.append(crumbs([OVERVIEW], "Find heads"), el("h1", {}, "Find heads"), el("p", { class: "help" }, HELP),
      this.presets, this.controls, evidenceNote(atlas), el("div", { class: "metric-page wider" }, left, this.list));
  }

  draw() {
    const { atlas, question, go, plot, saved } = this;
    this.#drawPresets();
    this.#drawControls();
    history.replaceState(null, "", atlas.evidence.written(writeQuestion(atlas, question)));
    const places = headsAsked(atlas, question);
    const found = ordered(question, places);
    const on = places.filter((at) => !atlas.evidence.isOff(at));
    this.#drawAnswer(pearson(pairs(question, places)), pearson(pairs(question, on)));
    const choose = (layer, head) => go(headHref(atlas, layer, head));
    const { x, y } = question;
    const picture = scatter(plot.host, atlas, { x, y, places }, { say: plot.say, choose });
    const name = `${columnName(y.metric, y.label)} ${columnName(x.metric, x.label)}`;
    saved.replaceChildren(tools(() => picture, () => pairRows(atlas, y, x, found), name));
    this.#drawList(found, SHOWN);
  }

  #set(changed) {
    Object.assign(this.question, changed);
    this.draw();
  }

  /** A button for each question of the rules; it is pressed while only the heads that answer it are shown. */
  #drawPresets() {
    const { atlas, presets, question: { asked } } = this;
    const button = (one) => {
      const isPressed = one === asked;
      const ask = () => this.#set(isPressed ? { asked: null } : { asked: one, ...(one.axes && axesOf(atlas, one)) });
      const attributes = { type: "button", class: "toggle", "aria-pressed": String(isPressed), onclick: ask };
      return el("button", attributes, one.title);
    };
    const focused = [...presets.children].indexOf(document.activeElement);
    presets.replaceChildren(...(atlas.roles?.questions ?? []).map(button));
    presets.children[focused]?.focus();
  }

  /** The menus again, the focus where it was. */
  #drawControls() {
    const { atlas, controls, question: { order, from, to } } = this;
    const focused = controls.contains(document.activeElement) ? document.activeElement : null;
    const layers = atlas.layers.map((layer, at) => [String(at), String(layer)]);
    const toFrom = (value) => this.#set({ from: Number(value), to: Math.max(to, Number(value)) });
    const toTo = (value) => this.#set({ to: Number(value), from: Math.min(from, Number(value)) });
    controls.replaceChildren(
      ...this.#picker("y", "Order by"), choice("from the", ORDERS, order, (value) => this.#set({ order: value })),
      ...this.#picker("x", "against"), choice("Layers", layers, from, toFrom), choice("to", layers, to, toTo),
    );
    if (focused) controls.querySelector(`[aria-label="${focused.getAttribute("aria-label")}"]`).focus();
  }

  /** The menus of an axis: the metric, and its label where it has any. */
  #picker(side, name) {
    const { atlas, question: { [side]: { metric, label } } } = this;
    const toMetric = (value) => {
      const next = atlas.byName.get(value);
      this.#set({ [side]: { metric: next, label: startLabel(next) } });
    };
    const options = shelves(atlas).map(({ title, metrics }) =>
      ({ title, options: metrics.map((one) => [one.name, one.title]) }));
    const menu = choice(name, options, metric.name, toMetric);
    if (!metric.dim) return [menu];
    const labels = metric.present().map((at) => [String(at), labelName(metric.dim, metric.labels[at])]);
    const toLabel = (value) => this.#set({ [side]: { metric, label: Number(value) } });
    return [menu, choice(`${name} label`, labels, label, toLabel)];
  }

  /** The correlation over all heads, and where some are nearly switched off, without these. */
  #drawAnswer(whole, without) {
    const more = without.n < whole.n ? [el("div", { class: "note" }, `Without hollow ones: ${inWords(without)}.`)] : [];
    this.answer.replaceChildren(inWords(whole), ...more);
  }

  /** The first heads in order; a button shows all. */
  #drawList(order, most) {
    const { atlas, list, question: { x, y } } = this;
    const wanted = new Set(headsAsked(atlas, this.question));
    const off = atlas.evidence.off.filter((at) => wanted.has(at) && !order.includes(at));
    if (!order.length) {
      list.replaceChildren(el("p", { class: "note" }, "No head in these layers has evidence."));
      return;
    }
    const rows = order.slice(0, most).map((head, n) => this.#row(head, n + 1));
    const { excess } = y.metric;
    const beyond = excess ? [el("p", { class: "note" }, `In order of what is ${excess.caption}.`)] : [];
    const whole = (lines) => table("metrics", ["", "head", axisName(y), axisName(x)], lines);
    list.replaceChildren(...beyond, whole(rows));
    if (order.length > most) list.append(action(`all ${order.length}`, () => this.#drawList(order, order.length)));
    if (!off.length) return;
    const name = el("summary", {}, `${off.length} nearly switched off: no rank`);
    list.append(el("details", {}, name, whole(off.map((head) => this.#row(head, "–")))));
  }

  /** A head in order n; among all that compete, as far as intervals leave that open. */
  #row(head, n) {
    const { atlas, question: { x, y } } = this;
    const open = y.metric.ranks(head, y.label);
    const words = open ? el("div", { class: "chance" }, `${open.join("–")} of all`) : "";
    const at = headAt(atlas, head);
    const link = el("a", { href: claimHref(atlas, ...at, y.metric.claims[y.label]) }, headName(atlas, ...at));
    const name = el("th", { scope: "row" }, link, ...fromHowMuch(atlas, y.metric, head));
    return [el("td", { class: "rank" }, String(n), words), name, this.#value(y, at), this.#value(x, at)];
  }

  /** A value, and beneath it the value against its chance level. */
  #value({ metric, label }, at) {
    const [value, chance] = [metric.at(...at, label), metric.chanceAt(...at, label)];
    const told = against(metric, value, chance);
    const [text, interval] = metric.told(placeOf(this.atlas, ...at), label);
    const sure = interval ? [el("div", { class: "interval" }, `[${interval}]`)] : [];
    const beside = told ? [el("div", { class: "chance", title: metric.chance.caption }, told)] : [];
    return el("td", { class: "value" }, text, ...sure, ...beside);
  }
}
