// Which run is compared with the first: of two there is no choice; of more, the address says.

import { stepper } from "../shared/controls.js";
import { el } from "../shared/dom.js";

/** Compare the run that an address names; the one that was, where it names none. Returns what is wrong, or null. */
export function askedRun(comparison, query) {
  const { runs } = comparison;
  if (runs.length < 3) return null;
  const name = query.get("run");
  if (name === null) {
    history.replaceState(null, "", withRun(comparison, location.hash || "#/"));
    return null;
  }
  const run = runs.findIndex((one, at) => at > 0 && one.name === name);
  if (run < 0) return `expected a run that is compared with ${runs[0].name}, found ${name}`;
  comparison.choose(run);
  return null;
}

/** An address with the run that is compared; of two runs it goes unsaid. */
export function withRun({ runs, chosen }, href) {
  if (runs.length < 3) return href;
  const [path, query = ""] = href.split("?");
  const asked = new URLSearchParams(query);
  asked.set("run", runs[chosen].name);
  return `${path}?${asked}`;
}

/** A menu of runs; nothing of two. */
export function runChoice(comparison, go) {
  const { runs, chosen } = comparison;
  if (runs.length < 3) return [];
  const options = runs.slice(1).map(({ name }) => [name, name]);
  const label = `Compared with ${runs[0].name}`;
  const change = (name) => {
    comparison.choose(runs.findIndex((one) => one.name === name));
    go(location.hash);
  };
  return [el("div", { class: "controls" }, stepper(label, options, runs[chosen].name, change))];
}

/** What a run is called, with its colour. */
export const runName = (comparison, isFirst) =>
  el("span", { class: `run-name ${isFirst ? "of-first" : "of-other"}` }, comparison.names[isFirst ? 0 : 1]);

/** Colours of the first run and of the one compared with it: the ends of the scale of differences. */
export const FIRST = "var(--change10)";
export const OTHER = "var(--change53)";
