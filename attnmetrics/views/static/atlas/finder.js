// The finder: heads with the highest or lowest of any metric, and any metric against any other, by layer.

import { brushed, paired } from "../arithmetic/chosen-heads.js";
import { pearson } from "../arithmetic/correlation.js";
import { columnName, pairRows } from "../arithmetic/csv.js";
import {
  axesOf, BY_RULE, headsAsked, ordered, pairs, readQuestion, unknownMetric, writeQuestion,
} from "../arithmetic/finder.js";
import { LAYER, ROLE } from "../arithmetic/head-colour.js";
import { headHref, placeOf, uncapital } from "../arithmetic/heads.js";
import { labelName, startLabel } from "../arithmetic/labels.js";
import { number, pValue } from "../arithmetic/numbers.js";
import { choice } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { evidenceNote } from "./evidence.js";
import { HeadList } from "./finder-list.js";
import { colourLegend, headPainter, LEGEND } from "./head-colours.js";
import { crumbs, OVERVIEW, place } from "./parts.js";
import { members, NEAR, RULE_ORDER } from "./role-lists.js";
import { axisName } from "./scatter-scene.js";
import { scatter } from "./scatter.js";
import { sideBySide } from "./side-by-side.js";
import { tools } from "./tools.js";
import { shelves } from "../arithmetic/shelves.js";

/** Heads that are named in the plot. */
const NAMED = 5;
const ORDERS = [["highest", "highest of the first"], ["lowest", "lowest of the first"]];
const HELP = "Choose two metrics, the layers and the order of the list; both are drawn against each other. A dot is a "
  + "head, the smaller the less attention it leaves off null pieces; draw a rectangle to choose some of them.";

const CORRELATION = "r: Pearson's correlation, from −1 to 1; p: how often values that have nothing to do with "
  + "one another would give one as far from 0. Heads of a model are not independent, so take p as a rough guide.";

export function drawFinder(root, atlas, _, go, query) {
  const unknown = unknownMetric(atlas, query);
  if (unknown !== undefined) return `expected a metric of this run, found ${unknown}`;
  new Finder(root, atlas, go, readQuestion(atlas, query)).draw();
  return null;
}

function inWords({ r, p, n }) {
  if (Number.isNaN(r)) return "Too few heads for a correlation";
  return `Over ${n} heads r = ${number(Math.round(r * 1000) / 1000)} (${pValue(p)})`;
}

/** Over which heads a correlation is taken; a rectangle chooses from the list alone. */
function whichHeads({ layers }, { asked, from, to, brush }) {
  const answering = asked ? `the heads that answer “${asked.title}”` : "all heads";
  const isPart = from > 0 || to < layers.length - 1;
  const within = isPart ? ` of layers ${layers[from]} to ${layers[to]}` : "";
  return `r is over ${answering}${within}${brush ? ", in the rectangle or not" : ""}.`;
}

/** What is told of a head in the list, where it has several roles that answer. */
const BENEATH = "Beneath a head: that role and score; the head's page lists all its roles by rule, and may begin with "
  + "another.";

/** Which heads answer a question of the rules, in which order, and what each rule asks. */
function ruleTold(atlas, asked) {
  if (!asked) return [];
  const rules = el("ul", {}, ...asked.rules.map((words) => el("li", {}, words)));
  const folded = el("details", { class: "note" }, el("summary", {}, "What each rule asks"), rules);
  const order = asked.groups.map(({ title, places }) => el("li", {}, `${title}: ${places.length}`));
  const groups = order.length ? [el("p", {}, `${asked.grouped}. In this order:`), el("ol", {}, ...order)] : [];
  return [...groups, ...near(atlas, asked), el("p", {}, `${asked.words} ${RULE_ORDER} ${BENEATH}`), folded];
}

/** The heads that nearly answer. */
const near = (atlas, { near: places }) => (places.length ? [el("p", {}, NEAR), members(atlas, places)] : []);

/** All metrics, shelf by shelf, for a menu. */
const metricMenu = (atlas) => shelves(atlas).map(({ title, metrics }) =>
  ({ title, options: metrics.map((one) => [one.name, one.title]) }));

/** The labels of a metric for a menu. */
const labelMenu = (metric) => metric.present().map((at) => [String(at), labelName(metric.dim, metric.labels[at])]);

class Finder {
  constructor(root, atlas, go, question) {
    Object.assign(this, { atlas, go, question, plot: place() });
    this.presets = el("div", { class: "presets" });
    this.rule = el("div", { class: "rule" });
    this.controls = el("div", { class: "controls finder" });
    this.answer = el("p", { class: "correlation", role: "status" });
    this.which = el("p", { class: "note which" });
    this.saved = el("div");
    this.list = new HeadList(atlas);
    this.beneath = el("div");
    const { host, status } = this.plot;
    const meaning = el("p", { class: "note" }, CORRELATION);
    const left = el("div", {}, this.answer, this.which, host, status, meaning, this.saved);
    root.append(crumbs([OVERVIEW], "Find heads"), el("h1", {}, "Find heads"), el("p", { class: "help" }, HELP),
      this.presets, this.rule, this.controls, evidenceNote(atlas),
      el("div", { class: "metric-page listed" }, left, this.list.node), this.beneath);
  }

  draw() {
    const { atlas, question, go, plot, saved } = this;
    this.#drawPresets();
    this.rule.replaceChildren(...ruleTold(this.atlas, question.asked));
    this.#drawControls();
    history.replaceState(null, "", atlas.evidence.written(writeQuestion(atlas, question)));
    const places = headsAsked(atlas, question);
    const found = ordered(question, brushed(question, places));
    const on = places.filter((at) => !atlas.evidence.isOff(at));
    this.#drawAnswer(pearson(pairs(question, places)), pearson(pairs(question, on)), whichHeads(atlas, question));
    const choose = (layer, head, { shiftKey } = {}) =>
      (shiftKey ? this.#pair(placeOf(atlas, layer, head)) : go(headHref(atlas, layer, head)));
    const { x, y } = question;
    const picture = scatter(plot.host, atlas, { x, y, places }, { say: plot.say, choose }, this.#look());
    const name = `${columnName(y.metric, y.label)} ${columnName(x.metric, x.label)}`;
    const definitions = [y, x].map(({ metric }) => `${metric.title}: ${metric.formula}`);
    const titles = [`${axisName(y)}, against ${uncapital(axisName(x))}`, atlas.source, ...definitions].filter(Boolean);
    saved.replaceChildren(tools(() => picture, () => pairRows(atlas, y, x, found), name, titles));
    this.list.draw(question, { found, places: brushed(question, places), pair: (at) => this.#pair(at) });
    this.beneath.replaceChildren(sideBySide(atlas, question.pair));
  }

  /** How dots are drawn: coloured as is asked, as large as their evidence, the outermost named. */
  #look() {
    const { atlas, question: { colour, brush } } = this;
    return {
      paint: headPainter(atlas, colour), extra: (layout) => colourLegend(colour, layout), below: LEGEND, named: NAMED,
      size: (at) => 0.55 + 0.45 * Math.sqrt(atlas.evidence.share(at)),
      brush: [brush, (chosen) => this.#set({ brush: chosen })],
    };
  }

  #pair(at) {
    const pair = paired(this.question.pair, at);
    this.#set({ pair });
    if (pair.length === 2) this.beneath.scrollIntoView({ block: "start" });
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
      const ask = () => this.#set(isPressed
        ? { asked: null, order: "highest" }
        : { asked: one, order: BY_RULE, brush: null, ...(one.axes && axesOf(atlas, one)) });
      const attributes = { type: "button", class: "toggle", "aria-pressed": String(isPressed), onclick: ask };
      return el("button", attributes, one.title);
    };
    const focused = [...presets.children].indexOf(document.activeElement);
    presets.replaceChildren(...(atlas.roles?.questions ?? []).map(button));
    presets.children[focused]?.focus();
  }

  /** The menus again, the focus where it was. */
  #drawControls() {
    const { atlas, controls, question: { asked, order, from, to } } = this;
    const focused = controls.contains(document.activeElement) ? document.activeElement : null;
    const layers = atlas.layers.map((layer, at) => [String(at), String(layer)]);
    const orders = asked ? [[BY_RULE, "clearest by the rule"], ...ORDERS] : ORDERS;
    const toFrom = (value) => this.#set({ from: Number(value), to: Math.max(to, Number(value)) });
    const toTo = (value) => this.#set({ to: Number(value), from: Math.min(from, Number(value)) });
    controls.replaceChildren(
      ...this.#picker("y", "Show"), ...this.#picker("x", "against"),
      choice("List", orders, order, (value) => this.#set({ order: value })),
      choice("Layers", layers, from, toFrom), choice("to", layers, to, toTo),
      ...this.#colours(), ...this.#letGo(),
    );
    if (focused) controls.querySelector(`[aria-label="${focused.getAttribute("aria-label")}"]`)?.focus();
  }

  /** The menus of the colour. */
  #colours() {
    const { atlas, question: { colour: { by, metric, label } } } = this;
    const own = [[LAYER, "layer"], ...(atlas.roles ? [[ROLE, "what they do"]] : [])];
    const toColour = (value) => {
      const next = atlas.byName.get(value);
      this.#set({ colour: next ? { by: value, metric: next, label: startLabel(next) } : { by: value } });
    };
    const menu = choice("Colour by", [{ title: "Of heads", options: own }, ...metricMenu(atlas)], by, toColour);
    if (!metric?.dim) return [menu];
    const toLabel = (value) => this.#set({ colour: { by, metric, label: Number(value) } });
    return [menu, choice(`Colour by: ${uncapital(metric.dimTitle)}`, labelMenu(metric), label, toLabel)];
  }

  #letGo() {
    if (!this.question.brush) return [];
    return [el("button", { type: "button", class: "toggle", onclick: () => this.#set({ brush: null }) }, "Whole plot")];
  }

  /** The menus of an axis: the metric, and its label where it has any. */
  #picker(side, name) {
    const { atlas, question: { [side]: { metric, label } } } = this;
    const choose = (axis) => this.#set({ [side]: axis, brush: null });
    const toMetric = (value) => {
      const next = atlas.byName.get(value);
      choose({ metric: next, label: startLabel(next) });
    };
    const menu = choice(name, metricMenu(atlas), metric.name, toMetric);
    if (!metric.dim) return [menu];
    const toLabel = (value) => choose({ metric, label: Number(value) });
    return [menu, choice(`${name}: ${uncapital(metric.dimTitle)}`, labelMenu(metric), label, toLabel)];
  }

  /** The correlation over all heads, and where some are nearly switched off, without these. */
  #drawAnswer(whole, without, which) {
    const words = `Without hollow ones: ${uncapital(inWords(without))}.`;
    const more = without.n < whole.n ? [el("div", { class: "note" }, words)] : [];
    this.answer.replaceChildren(inWords(whole), ...more);
    this.which.textContent = which;
  }
}
