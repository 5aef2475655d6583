// All heads on one screen: a map of what they do, or of any metric, and beside it the card of the head pointed at.

import { isSame, readBoard, rolesShown, writeBoard } from "../arithmetic/board.js";
import { columnName, headRows } from "../arithmetic/csv.js";
import { capital, headAt, headHref, placeOf, standoutsOf } from "../arithmetic/heads.js";
import { labelName, startLabel } from "../arithmetic/labels.js";
import { roleName } from "../arithmetic/roles.js";
import { shelves } from "../arithmetic/shelves.js";
import { choice } from "../shared/controls.js";
import { el } from "../shared/dom.js";
import { afterFirst } from "../shared/seen.js";
import { boardCard, cardTop } from "./board-card.js";
import { boardMap, OF_ROLES_IN_FILE } from "./board-map.js";
import { section } from "./parts.js";
import { members } from "./role-lists.js";
import { tools } from "./tools.js";

const HEADING = "What each head does";
const HELP = ["Point at a head to read", " what it does; a click keeps it, a double click or Enter opens its page."];
/** Where nothing points but fingers. */
const BY_TOUCH = ["Tap a head to read", " what it does; its name above the words opens its page."];

export class Board {
  constructor(root, atlas, go, query) {
    Object.assign(this, { atlas, go, ...readBoard(atlas, query) });
    this.tabs = el("div", { class: "board-tabs", role: "group", "aria-label": "Maps" });
    this.legend = el("div", { class: "board-legend" });
    this.host = el("div", { class: "map-host" });
    this.card = el("aside", { class: "board-card", "aria-live": "polite", "aria-label": "The head pointed at" });
    this.saved = el("div");
    this.doing = el("div");
    const [read, open] = matchMedia("(hover: none)").matches ? BY_TOUCH : HELP;
    const found = section(HEADING);
    const where = el("span", { class: "where-narrow" }, " beneath the map");
    found.append(el("p", { class: "help" }, read, where, open));
    const left = el("div", {}, this.legend, this.host, this.doing, this.saved);
    found.append(this.tabs, el("div", { class: "board" }, left, this.card));
    root.append(found);
  }

  /** The map, and of the head told of its name and what it does; its numbers when they are there. */
  drawFirst() {
    this.draw();
    this.told = this.#rested();
    this.card.append(...cardTop(this.atlas, this.told));
    afterFirst(this.card, () => this.#tell(this.told)); // another, if one is pointed at meanwhile
  }

  draw() {
    this.#drawTabs();
    const { atlas, shown, host } = this;
    const subject = {
      tell: (place) => this.#tell(place), rest: () => this.#rest(),
      choose: (layer, head) => this.#pin(placeOf(atlas, layer, head)),
      open: (layer, head) => this.go(headHref(atlas, layer, head)),
    };
    this.map = boardMap(host, atlas, shown, subject, this.role);
    this.legend.replaceChildren(this.map.legend);
    this.map.mark(this.pinned === null ? null : headAt(atlas, this.pinned));
    const name = shown ? columnName(shown.metric, shown.label) : "roles of heads";
    const rows = () => (shown ? headRows(atlas, shown.metric, shown.label) : atlas.roles.rows(atlas));
    const told = shown ? { title: shown.metric.heading(shown.label), definition: shown.metric.formula } : {};
    Object.assign(this.saved.dataset, { title: HEADING, definition: OF_ROLES_IN_FILE, ...told });
    this.saved.replaceChildren(tools(() => this.map.file(), rows, name));
    this.#drawRole();
  }

  /** The heads that do what was chosen, beneath the map; on the map of all roles all others are pale. */
  #drawRole() {
    const { atlas, role } = this;
    this.#light(null);
    if (!role) { this.doing.replaceChildren(); return; }
    const places = atlas.roles.holders(role.name).map(({ place }) => place);
    const order = role.name ? "the strongest first" : "layer by layer";
    const name = `${capital(roleName(role))}${role.meaning ? ` (${role.meaning})` : ""}, ${order}: `;
    this.doing.replaceChildren(el("p", { class: "note" }, name), members(atlas, places));
  }

  /** Make all roles but one pale, without one all but what was chosen, if anything was. */
  #light(name) {
    this.map.light(name ?? this.role?.name ?? null);
  }

  #drawTabs() {
    const { atlas } = this;
    const what = atlas.roles ? [this.#tab({ title: "What they do", map: null, role: null })] : [];
    const roles = atlas.roles ? rolesShown(atlas).map((one) => this.#roleTab(one)) : [];
    this.tabs.replaceChildren(...what, ...roles, this.#anyMetric(), ...this.#labels());
  }

  #tab({ title, map, role }, ...marks) {
    const isShown = map ? this.shown && isSame(map, this.shown) : !this.shown;
    const isPressed = Boolean(isShown) && (role === undefined || role === this.role);
    const attributes = { type: "button", "aria-pressed": String(isPressed), onclick: () => this.#show(map, role) };
    return el("button", attributes, ...marks, title);
  }

  /**
   * Shows the map of what makes a role where that is one score, else that of all roles, and the heads that have it,
   * first or not; while it is pointed at, all others are pale.
   */
  #roleTab({ role, count, besides, map }) {
    const swatch = el("i", { style: `background:${role.colour}` });
    const button = this.#tab({ title: roleName(role), map, role }, swatch);
    button.append(el("span", { class: "number" }, `${count}${besides ? ` + ${besides}` : ""}`));
    const counted = besides ? `first of all in ${count} heads, besides another role in ${besides}` : "";
    button.title = [role.meaning, counted].filter(Boolean).join("; ");
    button.addEventListener("pointerenter", () => this.#light(role.name));
    button.addEventListener("pointerleave", () => this.#light(null));
    button.addEventListener("focus", () => this.#light(role.name));
    button.addEventListener("blur", () => this.#light(null));
    return button;
  }

  #anyMetric() {
    const { atlas, shown } = this;
    const options = shelves(atlas).map(({ title, metrics }) =>
      ({ title, options: metrics.map((metric) => [metric.name, metric.title]) }));
    const change = (name) => {
      const metric = atlas.byName.get(name);
      this.#show(metric ? { metric, label: startLabel(metric) } : null);
    };
    return choice("Any metric", [["", "…"], ...options], shown?.metric.name ?? "", change);
  }

  /** A menu of the labels of the metric shown. */
  #labels() {
    const metric = this.shown?.metric;
    if (!metric?.dim) return [];
    const options = metric.present().map((label) => [String(label), labelName(metric.dim, metric.labels[label])]);
    const change = (label) => this.#show({ metric, label: Number(label) });
    return [choice("of", options, this.shown.label, change)];
  }

  #show(shown, role = null) {
    Object.assign(this, { shown, role });
    this.#remember();
    this.draw();
    this.#rest();
  }

  #pin(place) {
    this.pinned = this.pinned === place ? null : place;
    this.map.mark(this.pinned === null ? null : headAt(this.atlas, this.pinned));
    this.#remember();
    this.#tell(place);
  }

  #remember() {
    history.replaceState(null, "", this.atlas.evidence.written(writeBoard(this.atlas, this)));
  }

  #rest() {
    this.#tell(this.#rested());
  }

  #tell(place) {
    this.told = place;
    this.card.replaceChildren(...boardCard(this.atlas, place, this.shown, place === this.pinned));
  }

  /** The head told of while none is pointed at: the one pinned, or the first that answers a question or stands out. */
  #rested() {
    const { atlas, pinned } = this;
    if (pinned !== null) return pinned;
    const answering = atlas.roles?.questions.find(({ places }) => places.length);
    if (answering) return answering.places[0];
    const [one] = standoutsOf(atlas);
    return one ? placeOf(atlas, atlas.layers.indexOf(one.layer), atlas.heads.indexOf(one.head)) : 0;
  }
}
