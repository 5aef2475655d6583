// The heads that the finder finds, in order, with their values; ticked ones are seen side by side.

import { BY_RULE } from "../arithmetic/finder.js";
import { claimHref, headAt, headName, placeOf } from "../arithmetic/heads.js";
import { against, shown } from "../arithmetic/numbers.js";
import { action } from "../shared/controls.js";
import { el, sheet, svg } from "../shared/dom.js";
import { bracketed } from "./error-bars.js";
import { fromHowMuch } from "./evidence.js";
import { simpler, table } from "./parts.js";
import { axisName } from "./scatter-scene.js";

/** Heads listed at first. */
const SHOWN = 20;
/** Pixels of a cell of the map of those chosen. */
const [WIDE, TALL] = [14, 9];

export class HeadList {
  constructor(atlas) {
    Object.assign(this, { atlas, node: el("div", { class: "ranked wide" }) });
  }

  /** found: places in order; places: of all heads asked for, those without a rank too; pair(place): one was ticked. */
  draw(question, { found, places, pair }) {
    Object.assign(this, { question, places, pair });
    this.#fill(found, SHOWN);
  }

  /** The first heads in order; a button shows all. */
  #fill(order, most) {
    const { atlas, node: list, question: { x, y, brush } } = this;
    const wanted = new Set(this.places);
    const off = atlas.evidence.off.filter((at) => wanted.has(at) && !order.includes(at));
    if (!order.length) {
      const where = brush ? "this part of the plot" : "these layers";
      list.replaceChildren(el("p", { class: "note" }, `No head in ${where} has evidence.`));
      return;
    }
    const rows = order.slice(0, most).flatMap((head, n) => [...this.#groupAt(order, n), this.#row(head, n + 1)]);
    const { excess } = y.metric;
    const isBeyond = excess && this.question.order !== BY_RULE;
    const beyond = isBeyond ? [el("p", { class: "note" }, `In order of what is ${excess.caption}.`)] : [];
    const whole = (lines) => table("metrics", ["", "head", axisName(y), axisName(x)], lines);
    list.replaceChildren(...(brush ? [this.#chosen()] : []), ...beyond, whole(rows));
    if (order.length > most) list.append(action(`all ${order.length}`, () => this.#fill(order, order.length)));
    if (!off.length) return;
    const name = el("summary", {}, `${off.length} nearly switched off: no rank`);
    list.append(el("details", {}, name, whole(off.map((head) => this.#row(head, "–")))));
  }

  /** The title of a group of heads above the first of them, where they are in the order of the rule. */
  #groupAt(places, n) {
    const { asked, order } = this.question;
    const groups = order === BY_RULE ? asked.groups : [];
    const [own, before] = [places[n], places[n - 1]].map((place) => groups.find((one) => one.places.includes(place)));
    return own === before ? [] : [[el("th", { class: "group", colspan: 4, scope: "rowgroup" }, own.title)]];
  }

  /** A head in order n. */
  #row(head, n) {
    const { atlas, question: { x, y } } = this;
    const words = this.#open(head).map((one) => el("div", { class: "chance" }, one));
    const at = headAt(atlas, head);
    const link = el("a", { href: claimHref(atlas, ...at, y.metric.claims[y.label]) }, headName(atlas, ...at));
    const name = el("th", { scope: "row" }, link, ...this.#why(head), ...fromHowMuch(atlas, y.metric, head));
    const tick = this.#tick(head, headName(atlas, ...at));
    return [el("td", { class: "rank" }, String(n), tick, ...words), name, this.#value(y, at), this.#value(x, at)];
  }

  /** What intervals leave open of its rank among all heads, from the end that is asked for; nothing without them. */
  #open(head) {
    const { y: { metric, label }, order } = this.question;
    const open = metric.ranks(head, label);
    if (!open || order === BY_RULE) return [];
    const { of } = metric.rank(head, label);
    const [first, last] = order === "lowest" ? open.map((one) => of + 1 - one).reverse() : open;
    return [`${first === last ? first : `${first}–${last}`} of ${of}`];
  }

  /** The role that makes a head answer the question, its score and chance level, and what a simpler rule finds. */
  #why(head) {
    const { asked } = this.question;
    const found = asked?.why[asked.places.indexOf(head)];
    if (!found) return [];
    const [role, score, interval, level, chance, nearest, remark] = found;
    const beside = [...(chance === "–" ? [] : [`${level} ${chance}`]), ...(nearest ? [simpler(nearest)] : [])];
    const told = el("div", { class: "chance why" }, `${role} ${score}`, ...bracketed(interval),
      ...beside.map((words) => `, ${words}`));
    return [told, ...(remark ? [el("div", { class: "chance no-better" }, remark)] : [])];
  }

  #tick(head, name) {
    return el("input", {
      type: "checkbox", "aria-label": `See ${name} side by side`, checked: this.question.pair.includes(head),
      onchange: () => this.pair(head),
    });
  }

  /** Where the heads of the part that is chosen are among all. */
  #chosen() {
    const { layers, heads } = this.atlas;
    const corner = (place) => `${(place % heads.length) * WIDE} ${Math.floor(place / heads.length) * TALL}`;
    const cell = (place) => `M${corner(place)}h${WIDE - 1}v${TALL - 1}h${1 - WIDE}z`;
    const path = (places, fill) => svg("path", { d: places.map(cell).join(""), fill });
    const all = Array.from({ length: layers.length * heads.length }, (_, place) => place);
    const attributes = { class: "chosen-map", role: "img", "aria-label": "Where they are" };
    const picture = sheet(heads.length * WIDE, layers.length * TALL, attributes,
      path(all, "var(--chosen)"), path(this.places, "var(--link)"));
    const words = `${this.places.length} heads chosen: layers down, heads across`;
    return el("figure", {}, picture, el("figcaption", { class: "note" }, words));
  }

  /** A value, and beneath it its chance level, and the value against that. */
  #value({ metric, label }, at) {
    const [value, chance] = [metric.at(...at, label), metric.chanceAt(...at, label)];
    const [text, interval] = metric.told(placeOf(this.atlas, ...at), label);
    const sure = interval ? [el("div", { class: "interval" }, `[${interval}]`)] : [];
    const told = against(metric, value, chance);
    const words = told && `${metric.chance.caption} ${shown(metric, chance)}, ${told}`;
    return el("td", { class: "value" }, text, ...sure, ...(told ? [el("div", { class: "chance" }, words)] : []));
  }
}
