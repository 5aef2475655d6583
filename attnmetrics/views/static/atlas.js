// The atlas: addresses, and the pages behind them.

import { drawCoreference } from "./atlas/coreference-page.js";
import { drawFinder } from "./atlas/finder.js";
import { drawHeadPage } from "./atlas/head-page.js";
import { drawMetricPage } from "./atlas/metric-page.js";
import { drawMetrics } from "./atlas/metrics-page.js";
import { openAtlas } from "./atlas/open.js";
import { drawOverview } from "./atlas/overview.js";
import { drawPaper } from "./atlas/papers/page.js";
import { drawRelation } from "./atlas/relation-page.js";
import { drawRun } from "./atlas/run-page.js";
import { SearchBox } from "./atlas/search-box.js";
import { listenForKeys } from "./atlas/shortcuts.js";
import { drawSimilarity } from "./atlas/similarity-page.js";
import { drawTry } from "./atlas/try.js";
import { themeToggle } from "./shared/controls.js";
import { el } from "./shared/dom.js";

/**
 * What draws the page of an address, by its first part: (root, atlas, other parts, go, query), where `go` leads to
 * another address. Returns what is wrong with the address, or null.
 */
const PAGES = {
  "": drawOverview, metrics: drawMetrics, metric: drawMetricPage, head: drawHeadPage, find: drawFinder,
  similarity: drawSimilarity, paper: drawPaper, relation: drawRelation, coreference: drawCoreference, run: drawRun,
};
const LINKS = [["#/", "Overview"], ["#/metrics", "Metrics"], ["#/find", "Find heads"], ["#/similarity", "Similarity"],
  ["#/paper", "The paper"], ["#/run", "The run"]];
/** The link that is lit on pages that have none of their own. */
const LIT = { head: "", metric: "metrics", relation: "paper", coreference: "paper" };
/** Pages without numbers of the run's heads. */
const NOT_OF_HEADS = new Set(["try"]);

export async function drawAtlas(root, data) {
  new Atlas(root, await openAtlas(data)).listen();
}

class Atlas {
  constructor(root, atlas) {
    Object.assign(this, { atlas, pages: PAGES, page: el("div", { class: "page", tabindex: -1 }) });
    const papers = atlas.papers.length > 1 ? "The papers" : "The paper";
    const links = LINKS.map(([href, name]) => [href, href === "#/paper" ? papers : name]);
    if (atlas.served) {
      this.pages = { ...PAGES, try: drawTry };
      links.splice(3, 0, ["#/try", "Your sentence"]);
    }
    const anchors = links.map(([href, name]) => el("a", { href }, name));
    this.nav = el("nav", { class: "pages", "aria-label": "Pages" }, ...anchors);
    const brand = el("a", { class: "brand", href: "#/" }, atlas.name);
    atlas.setEvidence = (least) => this.#setEvidence(least);
    this.go = (href) => { location.hash = atlas.evidence.written(href); };
    this.search = new SearchBox(atlas, this.go);
    root.replaceChildren(el("header", { class: "bar" }, brand, this.nav, this.search.form, themeToggle()), this.page);
  }

  listen() {
    let width = innerWidth;
    addEventListener("hashchange", () => { this.#draw(); this.page.focus({ preventScroll: true }); });
    for (const event of ["pointerdown", "focusin", "click"]) addEventListener(event, (one) => this.#lead(one), true);
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      if (!this.page.querySelector(".try")) this.#draw(); // the views follow the width themselves
    });
    listenForKeys(this.search);
    this.#draw();
  }

  #draw() {
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const [name, ...rest] = path.split("/").map(decode);
    const asked = new URLSearchParams(query);
    this.#read(asked);
    const draw = Object.hasOwn(this.pages, name) ? this.pages[name] : null;
    this.page.replaceChildren();
    const unknown = `expected a page of the atlas, found ${path}`;
    const fault = draw ? draw(this.page, this.atlas, rest, this.go, asked) : unknown;
    if (fault) this.page.replaceChildren(...faultOf(fault));
    else this.page.append(...howSure(this.atlas, name));
    this.#light(LIT[name] ?? name);
    document.title = `${this.page.querySelector("h1")?.textContent ?? "Attention heads"} · ${this.atlas.name}`;
    const chosen = this.page.querySelector(".chosen");
    if (chosen) chosen.scrollIntoView({ block: "center" });
    else scrollTo(0, 0);
  }

  /** Which heads are switched off, as the address asks. */
  #read(asked) {
    const { evidence, evidence_choices: choices, roles } = this.atlas;
    evidence.read(asked, choices);
    roles?.use(evidence.least);
  }

  /** Draw the page again with other heads switched off; what was seen and chosen stays where it was. */
  #setEvidence(least) {
    const top = scrollY;
    this.atlas.evidence.least = least;
    history.pushState(null, "", this.atlas.evidence.written(location.hash || "#/"));
    this.#draw();
    scrollTo(0, top);
    this.page.querySelector(".evidence select")?.focus({ preventScroll: true });
  }

  /** Links lead on with the evidence that is asked for: those that are about to be followed, or copied. */
  #lead({ target }) {
    const link = target.closest?.('a[href^="#/"]');
    link?.setAttribute("href", this.atlas.evidence.written(link.getAttribute("href")));
  }

  /** Light the link of a page. */
  #light(name) {
    for (const link of this.nav.querySelectorAll("a")) {
      const isHere = link.getAttribute("href").split("?")[0] === `#/${name}`;
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
}

/** Once a page: what intervals are, or why there are none and what to do. */
const howSure = ({ sureness }, name) =>
  (sureness && !NOT_OF_HEADS.has(name) ? [el("p", { class: "note sure" }, sureness)] : []);

/** A part of an address as text; as it stands where it is not well formed. */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function faultOf(fault) {
  const back = el("a", { href: "#/" }, "Back to the overview");
  return [el("h1", {}, "Not in this atlas"), el("p", {}, `${fault}.`), el("p", {}, back)];
}
