// A comparison of runs: addresses, and the pages behind them.

import { jumpBox } from "./atlas/jump-box.js";
import { Site } from "./atlas/site.js";
import { drawHeadPage } from "./comparison/head-page.js";
import { drawHeads } from "./comparison/heads-page.js";
import { openComparison } from "./comparison/open.js";
import { drawOverview } from "./comparison/overview.js";
import { drawResultPage } from "./comparison/result-page.js";
import { drawResults } from "./comparison/results-page.js";
import { askedRun } from "./comparison/run-choice.js";
import { drawRuns } from "./comparison/runs-page.js";

/** What draws the page of an address, by its first part (see atlas/site.js). */
const PAGES = {
  "": drawOverview, metrics: drawResults, metric: drawResultPage, heads: drawHeads, head: drawHeadPage, runs: drawRuns,
};
const LINKS = [["#/", "Overview"], ["#/metrics", "Results"], ["#/heads", "Heads"], ["#/runs", "Runs"]];
/** The link that is lit on pages that have none of their own. */
const LIT = { head: "heads", metric: "metrics" };

export async function drawComparison(root, data) {
  root.classList.add("atlas");
  const comparison = await openComparison(data);
  const ready = (query) => askedRun(comparison, query);
  const pages = { what: "comparison", pages: PAGES, links: LINKS, lit: LIT };
  new Site(root, comparison, { ...pages, ready, box: jumpBox }).listen();
}
