// The atlas: addresses, and the pages behind them.

import { drawBy } from "./atlas/by-page.js";
import { drawCoreference } from "./atlas/coreference-page.js";
import { drawFinder } from "./atlas/finder.js";
import { drawHeadPage } from "./atlas/head-page.js";
import { drawMetricPage } from "./atlas/metric-page.js";
import { drawMetrics } from "./atlas/metrics-page.js";
import { openAtlas } from "./atlas/open.js";
import { beginsWithRoles, drawOverview } from "./atlas/overview.js";
import { drawPaper } from "./atlas/papers/page.js";
import { papersTitle } from "./atlas/papers/tabs.js";
import { drawRelation } from "./atlas/relation-page.js";
import { drawRun } from "./atlas/run-page.js";
import { SearchBox } from "./atlas/search-box.js";
import { drawSimilarity } from "./atlas/similarity-page.js";
import { Site } from "./atlas/site.js";
import { drawTry } from "./atlas/try.js";

/** What draws the page of an address, by its first part (see atlas/site.js). */
const PAGES = {
  "": drawOverview, metrics: drawMetrics, metric: drawMetricPage, head: drawHeadPage, find: drawFinder,
  similarity: drawSimilarity, paper: drawPaper, relation: drawRelation, coreference: drawCoreference, by: drawBy,
  run: drawRun,
};
const LINKS = [["#/", "Overview"], ["#/metrics", "Metrics"], ["#/find", "Find heads"], ["#/similarity", "Similarity"],
  ["#/paper", "The paper"], ["#/run", "The run"]];
/** The link that is lit on pages that have none of their own. */
const LIT = { head: "", metric: "metrics", relation: "paper", coreference: "paper" };
/** Pages without numbers of the run's heads. */
const NOT_OF_HEADS = ["try"];

export function drawAtlas(root, data) {
  const atlas = openAtlas(data);
  const links = LINKS.map(([href, name]) => [href, href === "#/paper" ? papersTitle(atlas) : name]);
  if (atlas.by.length) links.splice(-1, 0, ["#/by", byTitle(atlas)]);
  if (atlas.served) links.splice(3, 0, ["#/try", "Your sentence"]);
  const pages = atlas.served ? { ...PAGES, try: drawTry } : PAGES;
  const site = new Site(root, atlas, {
    what: "atlas", pages, links, lit: LIT, notOfHeads: NOT_OF_HEADS, box: (go) => new SearchBox(atlas, go),
    begins: ({ name, query }) => name === "" && beginsWithRoles(atlas, query),
    ready: (query) => readEvidence(atlas, query), written: (href) => atlas.evidence.written(href),
  });
  atlas.setEvidence = (least) => setEvidence(atlas, least, site);
  return site.open();
}

/** What the link to results by fields is called. */
const byTitle = ({ by }) => (by.length === 1 ? `By ${by[0].field}` : "By field");

/** Which heads are switched off, as the address asks. */
function readEvidence({ evidence, evidence_choices: choices, roles, by }, query) {
  const { usual } = evidence;
  evidence.read(query, choices);
  roles?.use(evidence.least, usual);
  for (const { atlases } of by) for (const one of atlases) one.evidence.least = evidence.least;
  return null;
}

/** Draw the page again with other heads switched off; what was seen and chosen stays where it was. */
function setEvidence(atlas, least, site) {
  const top = scrollY;
  atlas.evidence.least = least;
  history.pushState(null, "", atlas.evidence.written(location.hash || "#/"));
  site.draw();
  scrollTo(0, top);
  document.querySelector(".evidence select")?.focus({ preventScroll: true });
}
