// The finder: heads with the highest or lowest of any metric, and any metric against any other, by layer.

import { choice, el } from "./shared.js";
import { scatter } from "./charts.js";
import { number, pearson, pValue, shown } from "./numbers.js";
import { headAt, headHref, headName } from "./tables.js";
import { crumbs, tools } from "./parts.js";

const SHOWN = 20;

export function drawFinder(root, atlas, _, go, query) {
  const state = {
    x: axis(atlas, query, "x", "distance"), y: axis(atlas, query, "y", "entropy"),
    order: query.get("order") === "lowest" ? "lowest" : "highest",
    from: layerAt(atlas, query.get("from"), 0), to: layerAt(atlas, query.get("to"), atlas.layers.length - 1),
  };
  const controls = el("div", { class: "controls finder" });
  const answer = el("p", { class: "correlation", role: "status" });
  const status = el("p", { class: "status-line", role: "status" });
  const plot = el("div", { class: "map-host" });
  const saved = el("div");
  const list = el("div", { class: "ranked wide" });
  root.append(crumbs([["#/", "Overview"]], "Find heads"), el("h1", {}, "Find heads"), el("p", { class: "help" }, "Choose two metrics and the layers: heads in order of the first, and both against each other. A dot is a head; the stronger its colour, the deeper."),
    controls, el("div", { class: "metric-page wider" }, el("div", {}, answer, plot, status, saved), list));

  const picker = (side, name) => {
    const at = state[side];
    const found = [choice(name, atlas.metrics.map((metric) => [metric.name, metric.title]), at.metric.name, (value) => { state[side] = { metric: atlas.byName.get(value), label: startLabel(atlas.byName.get(value)) }; draw(); })];
    if (at.metric.dim) found.push(choice(`${name} label`, at.metric.present().map((label) => [String(label), at.metric.labels[label]]), String(at.label), (value) => { state[side] = { ...at, label: Number(value) }; draw(); }));
    return found;
  };

  function draw() {
    const layers = atlas.layers.map((layer, place) => [String(place), String(layer)]);
    const focused = controls.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    controls.replaceChildren(...picker("y", "Order by"),
      choice("from the", [["highest", "highest"], ["lowest", "lowest"]], state.order, (value) => { state.order = value; draw(); }),
      ...picker("x", "against"),
      choice("Layers", layers, String(state.from), (value) => { state.from = Number(value); state.to = Math.max(state.to, state.from); draw(); }),
      choice("to", layers, String(state.to), (value) => { state.to = Number(value); state.from = Math.min(state.to, state.from); draw(); }));
    if (focused) controls.querySelector(`[aria-label="${focused}"]`).focus();
    history.replaceState(null, "", address(atlas, state));
    const places = [...state.y.metric.column(state.y.label).keys()].filter((place) => headAt(atlas, place)[0] >= state.from && headAt(atlas, place)[0] <= state.to);
    const [xs, ys] = [state.x.metric.column(state.x.label), state.y.metric.column(state.y.label)];
    const pairs = places.map((place) => [xs[place], ys[place]]).filter((pair) => !pair.some(Number.isNaN));
    const { r, p, n } = pearson(pairs);
    answer.replaceChildren(Number.isNaN(r) ? "Too few heads for a correlation." : `Pearson r = ${number(Math.round(r * 1000) / 1000)}, ${pValue(p)}, ${n} heads`);
    const picture = scatter(plot, atlas, state.x, state.y, places, { say: (text) => { status.textContent = text; }, choose: (layer, head) => go(headHref(atlas, layer, head)) });
    const shownPlaces = new Set(places);
    const order = state.y.metric.order(state.y.label).filter((place) => shownPlaces.has(place));
    if (state.order === "lowest") order.reverse();
    const rows = () => [["layer", "head", column(state.y), column(state.x)], ...order.map((place) => [atlas.layers[headAt(atlas, place)[0]], atlas.heads[headAt(atlas, place)[1]], ys[place], xs[place]])];
    saved.replaceChildren(tools(() => picture, rows, `${column(state.y)} ${column(state.x)}`));
    table(order, xs, ys);
  }

  function table(order, xs, ys, most = SHOWN) {
    const body = order.slice(0, most).map((place, n) => el("tr", {}, el("td", { class: "rank" }, String(n + 1)),
      el("th", { scope: "row" }, el("a", { href: headHref(atlas, ...headAt(atlas, place)) }, headName(atlas, ...headAt(atlas, place)))),
      el("td", { class: "value" }, shown(state.y.metric, ys[place])), el("td", { class: "value" }, shown(state.x.metric, xs[place]))));
    const header = ["", "head", state.y.metric.heading(state.y.label), state.x.metric.heading(state.x.label)].map((one) => el("th", { scope: "col" }, one));
    list.replaceChildren(el("table", { class: "metrics" }, el("thead", {}, el("tr", {}, ...header)), el("tbody", {}, ...body)));
    if (!order.length) list.replaceChildren(el("p", { class: "note" }, "No head in these layers has evidence."));
    if (order.length > most) list.append(el("button", { type: "button", class: "link", onclick: () => table(order, xs, ys, order.length) }, `all ${order.length}`));
  }

  draw();
  return null;
}

const column = ({ metric, label }) => (metric.dim ? `${metric.name} ${metric.labels[label]}` : metric.name);

/** The label of a metric that is chosen at first: the usual one, or the one with most attention. */
function startLabel(metric) {
  if (!metric.dim) return 0;
  const usual = { direction: "either", offset: "1", pos: "NOUN" }[metric.dim];
  const found = metric.labels.indexOf(usual);
  return found >= 0 ? found : metric.present().sort((a, b) => metric.mean(b) - metric.mean(a))[0];
}

function axis(atlas, query, side, usual) {
  const metric = atlas.byName.get(query.get(side)) ?? atlas.byName.get(usual);
  const label = metric.labels.indexOf(query.get(`${side}l`));
  return { metric, label: label >= 0 ? label : startLabel(metric) };
}

function layerAt(atlas, name, usual) {
  const found = atlas.layers.findIndex((layer) => String(layer) === name);
  return found >= 0 ? found : usual;
}

function address(atlas, { x, y, order, from, to }) {
  const query = new URLSearchParams({ y: y.metric.name });
  if (y.metric.dim) query.set("yl", y.metric.labels[y.label]);
  query.set("x", x.metric.name);
  if (x.metric.dim) query.set("xl", x.metric.labels[x.label]);
  if (order !== "highest") query.set("order", order);
  if (from > 0) query.set("from", atlas.layers[from]);
  if (to < atlas.layers.length - 1) query.set("to", atlas.layers[to]);
  return `#/find?${query}`;
}
