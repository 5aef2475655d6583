// A comparison of runs: addresses, and the pages behind them.

import { SearchBox } from "./atlas/search-box.js";
import { Site } from "./atlas/site.js";
import { drawHeadPage } from "./comparison/head-page.js";
import { drawHeads } from "./comparison/heads-page.js";
import { openComparison } from "./comparison/open.js";
import { drawOverview } from "./comparison/overview.js";
import { drawResultPage } from "./comparison/result-page.js";
import { drawResults } from "./comparison/results-page.js";
import { askedRun, withRun } from "./comparison/run-choice.js";
import { drawRuns } from "./comparison/runs-page.js";
import { whole } from "./shared/unpack.js";

/** What draws the page of an address, by its first part (see atlas/site.js). */
const PAGES = {
  "": drawOverview, metrics: drawResults, metric: drawResultPage, heads: drawHeads, head: drawHeadPage, runs: drawRuns,
};
const LINKS = [["#/", "Overview"], ["#/metrics", "Results"], ["#/heads", "Heads"], ["#/runs", "Runs"]];
/** The link that is lit on pages that have none of their own. */
const LIT = { head: "heads", metric: "metrics" };

export async function drawComparison(root, data) {
  root.classList.add("atlas");
  await whole();
  const comparison = openComparison(data);
  new Site(root, comparison, {
    what: "comparison", pages: PAGES, links: LINKS, lit: LIT, box: (go) => new SearchBox(comparison.first, go),
    ready: (query) => askedRun(comparison, query), written: (href) => withRun(comparison, href),
  }).open();
}
