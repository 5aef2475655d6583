// A sentence of one's own: typed, seen in the three views, and beside each head what it does over the corpus.

import { el, headColour } from "./shared.js";
import { strip } from "./charts.js";
import { ordinal, shown } from "./numbers.js";
import { crumbs } from "./parts.js";
import { headHref, placeOf } from "./tables.js";
import { drawHead } from "./head.js";
import { drawModel } from "./model.js";
import { drawNeuron } from "./neuron.js";

const TITLE = "A sentence of your own";
const OVER = "Over the corpus";
const KINDS = { head: ["Head view", drawHead], model: ["Model view", drawModel], neuron: ["Neuron view", drawNeuron] };
const EXAMPLES = [
  "The nurse asked the doctor a question because she was late.",
  "The river rises in the hills, and the river flows past the town.",
];
const EVIDENCE = new Set(["attention_mass", "entropy_rows"]);
const CHOSEN = { attention_at_offset: "1", dependency_alignment: "either" };

/** Fill root; `query` is what the address says: text, second, generate, view, layer, head. */
export async function drawTry(root, atlas, query) {
  const state = {
    text: query.get("text") ?? "", second: query.get("second") ?? "", generate: query.get("generate") ?? "",
    view: KINDS[query.get("view")] ? query.get("view") : "head", layer: query.get("layer") ?? "", head: query.get("head") ?? "",
  };
  const card = cards(atlas);
  let asked = new AbortController();
  let status = "Loading the model…";

  // ---- what a person gives

  const area = (label, placeholder, text) => {
    const box = el("textarea", { rows: 2, "aria-label": label, placeholder, spellcheck: "false" });
    box.value = text;
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    return box;
  };
  const first = area("Text", "Type a sentence and press Enter", state.text);
  const second = area("Second text", "A second text, for models that read pairs", state.second);
  const add = el("button", { type: "button", class: "link", onclick: () => { pair(true); second.focus(); } }, "Add a second text");
  const drop = el("button", { type: "button", class: "link", onclick: () => { second.value = ""; pair(false); first.focus(); } }, "Remove it");
  const other = el("div", { class: "other" }, second, drop);
  const generate = el("input", { type: "number", min: 0, max: 999, step: 1, placeholder: 0, value: state.generate, "aria-label": "Pieces to generate" });
  const going = el("label", { class: "field", hidden: true }, el("span", {}, "Generate"), generate, el("span", {}, "pieces"));
  const go = el("button", { type: "submit", class: "go" }, "Show attention");
  const busy = el("span", { class: "busy", role: "status" });
  const fault = el("p", { class: "fault", role: "alert", hidden: true });
  const note = el("p", { class: "note", hidden: true }, "The model that the server runs is not the one that was measured: other weights, or another place of the same. The metrics are those of the run.");
  const examples = el("p", { class: "examples" }, "Or look at ", ...EXAMPLES.flatMap((text, place) => [place ? " or " : "", el("button", { type: "button", class: "link", onclick: () => { first.value = text; form.requestSubmit(); } }, text)]));
  const form = el("form", { onsubmit: submit }, first, other, el("div", { class: "options" }, go, going, add, busy));
  const kinds = el("div", { class: "kinds", role: "group", "aria-label": "View" }, ...Object.entries(KINDS).map(([kind, [name]]) =>
    el("button", { type: "button", "data-kind": kind, onclick: () => { state.view = kind; leave(); look(); } }, name)));
  const place = el("div", { class: "place" });
  const panel = el("aside", { "aria-label": "Corpus metrics of the heads shown" });
  const result = el("div", { class: "result", hidden: true }, kinds, el("div", { class: "beside" }, place, panel));
  const page = el("div", { class: "try" }, form, fault, note, examples, result);
  root.replaceChildren(crumbs([["#/", "Overview"]], TITLE), el("h1", {}, TITLE), page);
  pair(Boolean(state.second));

  function pair(wanted) {
    other.hidden = !wanted;
    add.hidden = wanted;
  }

  function submit(event) {
    event.preventDefault();
    Object.assign(state, { text: first.value, second: second.value, generate: Number(generate.value) > 0 ? generate.value : "" });
    leave();
    look();
  }

  // ---- address

  const address = () => `#/try?${new URLSearchParams(Object.entries(state).filter(([, value]) => value !== ""))}`;
  const leave = () => history.pushState(null, "", address());
  const stay = () => history.replaceState(history.state, "", address());

  // ---- what the server gives

  async function ask(path, signal) {
    const answer = await fetch(path, { signal }).catch((error) => {
      throw error.name === "AbortError" ? error : new Error("The server does not answer. Start it again with attnmetrics serve.");
    });
    const content = await answer.json().catch(() => ({ error: "The server failed; its terminal says how." }));
    if (!answer.ok) throw new Error(content.error);
    return content;
  }

  async function look() {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    kinds.childNodes.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.kind === state.view)));
    if (!state.text.trim()) return first.focus();
    const { text, second, generate, view, layer, head } = state;
    say(null, status);
    try {
      const data = await ask(`api/view?${new URLSearchParams({ kind: view, text, second, generate, layer, head })}`, signal);
      const fresh = el("section", { class: "look" });
      await KINDS[view][1](fresh, data, show);
      if (signal.aborted) return;
      page.dataset.view = view;
      fill(el("p", { class: "axis" }, "Point at a head for its metrics."));
      place.replaceChildren(fresh);
      result.hidden = false;
      examples.hidden = true;
      say(null, "");
    } catch (error) {
      if (!signal.aborted) say(error.message, "");
    }
  }

  function say(wrong, doing) {
    fault.textContent = wrong ?? "";
    fault.hidden = wrong == null;
    result.hidden ||= wrong != null;
    busy.textContent = doing;
    go.disabled = Boolean(doing);
    place.setAttribute("aria-busy", String(Boolean(doing)));
  }

  // ---- the heads that are shown

  const fill = (...content) => panel.replaceChildren(el("h2", {}, OVER), ...content);

  /** Metrics of the heads of a layer: in the panel, or before a host where one is enlarged. */
  function show(layer, heads, host = null) {
    const width = page.clientWidth < 560 ? 44 : host || state.view === "neuron" ? 180 : 70;
    if (host) host.before(card(layer, heads[0], width, OVER));
    else fill(el("p", { class: "axis" }, `Value, and rank among ${atlas.layers.length * atlas.heads.length} heads`), ...heads.map((head) => card(layer, head, width)));
    if (state.view === "model" && !host) return;
    Object.assign(state, { layer: String(layer), head: state.view === "head" && heads.length === atlas.heads.length ? "" : heads.join(",") });
    stay();
  }

  look();
  try {
    const model = await ask("api/model");
    going.hidden = !model.causal;
    note.hidden = model.measured;
    status = "Reading…";
  } catch (error) {
    say(error.message, "");
  }
}

/** What draws the card of a head: its metrics, each among those of all heads. */
function cards(atlas) {
  const measures = atlas.metrics.map((metric) => [metric, metric.dim ? metric.labels.indexOf(CHOSEN[metric.name]) : 0])
    .filter(([metric, label]) => label >= 0 && !EVIDENCE.has(metric.name));
  const total = atlas.layers.length * atlas.heads.length;

  const row = ([metric, label], layer, head, width) => {
    const value = metric.at(layer, head, label);
    const rank = metric.order(label).indexOf(placeOf(atlas, layer, head)) + 1;
    return el("div", { class: "measure", "data-metric": metric.name }, el("a", { href: metric.href(label) }, bare(metric.heading(label))),
      strip(metric, label, value, width), el("span", { class: "value" }, shown(metric, value)), el("span", { class: "rank" }, rank ? ordinal(rank) : ""));
  };

  return (layerLabel, headLabel, width, title = `Layer ${layerLabel}, head ${headLabel}`) => {
    const [layer, head] = [atlas.layers.indexOf(layerLabel), atlas.heads.indexOf(headLabel)];
    return el("section", { class: "over", style: `--own:${headColour(headLabel)};--digits:${String(total).length}`, "data-layer": layerLabel, "data-head": headLabel },
      el("h3", {}, el("a", { href: headHref(atlas, layer, head) }, el("i"), title)),
      el("div", { class: "measures" }, ...measures.map((measure) => row(measure, layer, head, width))));
  };
}

/** A title without what all have in common: "Mean attention distance" is "Distance". */
const bare = (title) => title.replace(/^(mean )?attention /i, "").replace(/^./, (letter) => letter.toUpperCase());
