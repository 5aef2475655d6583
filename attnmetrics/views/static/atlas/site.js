// A page of many pages: addresses behind the number sign, and what draws the page of each.

import { wordsIn } from "../arithmetic/words.js";
import { el } from "../shared/dom.js";
import { afterFrame, forgetUnseen } from "../shared/seen.js";
import { themeButton } from "../shared/theme.js";
import { whole } from "../shared/unpack.js";
import { listenForKeys } from "./shortcuts.js";

export class Site {
  /**
   * atlas: what the pages show, { name, evidence, … }; what: it is called.
   * pages: what draws the page of an address, by its first part: (root, atlas, other parts, go, query); `go` leads to
   * another address. It returns what is wrong with the address, or null.
   * links: [[href, name], …] on top; lit: the link that is lit on pages that have none of their own.
   * notOfHeads: pages without numbers of heads.
   * begins({ name, query }): whether the page of an address begins with what needs no arrays, and fills the rest later.
   * ready(query): hears an address before its page is drawn, and returns what is wrong with it, or null.
   * written(href): the address that a link leads to, with what is to be kept of the one before.
   * box(go): what finds a page, { form, focus() }.
   */
  constructor(root, atlas, { links, box, notOfHeads = [], begins = no, ready = none, written = same, ...fixed }) {
    Object.assign(this, { root, atlas, notOfHeads, begins, ready, written, ...fixed });
    this.go = (href) => { location.hash = written(href); };
    this.box = box(this.go);
    this.page = el("div", { class: "page", tabindex: -1 });
    const anchors = links.map(([href, name]) => el("a", { href }, name));
    this.nav = el("nav", { class: "pages", "aria-label": "Pages" }, ...anchors);
    const brand = el("a", { class: "brand", href: "#/" }, atlas.name);
    root.replaceChildren(el("header", { class: "bar" }, brand, this.nav, this.box.form, themeButton()), this.page);
  }

  /** Draw the page asked for, at once where it begins without arrays; answer from when they are there. */
  async open() {
    const early = this.begins(asked()) ? location.hash : null;
    this.root.inert = true;
    if (early !== null) {
      this.draw();
      await afterFrame();
    }
    await whole();
    this.root.inert = false;
    if (location.hash !== early) this.draw();
    this.#listen();
  }

  #listen() {
    let width = innerWidth;
    addEventListener("hashchange", () => { this.draw(); this.page.focus({ preventScroll: true }); });
    for (const event of ["pointerdown", "focusin", "click"]) addEventListener(event, (one) => this.#lead(one), true);
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      if (!this.page.querySelector(".try")) this.draw(); // the views follow the width themselves
    });
    listenForKeys(this.box);
  }

  draw() {
    const { path, name, rest, query } = asked();
    this.page.replaceChildren();
    forgetUnseen();
    const draw = Object.hasOwn(this.pages, name)
      ? this.pages[name]
      : () => `expected a page of the ${this.what}, found ${path}`;
    const fault = this.#fill(draw, rest, query);
    if (fault) this.page.replaceChildren(...faultOf(this.what, fault));
    else if (!this.notOfHeads.includes(name)) this.page.append(...howSure(this.atlas), ...glossaryOf(this.page));
    this.#light(this.lit[name] ?? name);
    document.title = this.#titled();
    const chosen = this.page.querySelector(".chosen");
    if (chosen) chosen.scrollIntoView({ block: chosen.matches("section") ? "start" : "center" });
    else scrollTo(0, 0);
  }

  /** What the window is called: the page's heading, where that is not the model's name, and the model's name. */
  #titled() {
    const { name } = this.atlas;
    const heading = this.page.querySelector("h1")?.textContent ?? name;
    return heading === name ? `Attention heads · ${name}` : `${heading} · ${name}`;
  }

  /** Draw what an address asks for; what is wrong with it, or null. */
  #fill(draw, rest, query) {
    const fault = this.ready(query);
    const { source = "", short = "", notation = "" } = this.atlas;
    Object.assign(this.page.dataset, { source, notation, model: short });
    return fault ?? draw(this.page, this.atlas, rest, this.go, query);
  }

  /** Links that are about to be followed, or copied, keep what is to be kept of the address. */
  #lead({ target }) {
    const link = target.closest?.('a[href^="#/"]');
    link?.setAttribute("href", this.written(link.getAttribute("href")));
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
function howSure({ sureness }) {
  if (!sureness) return [];
  const end = sureness.indexOf(". ") + 1;
  if (!end) return [el("p", { class: "note sure" }, sureness)];
  const found = el("details", { class: "note sure" }, el("summary", {}, sureness.slice(0, end)));
  found.addEventListener("toggle", () => found.append(sureness.slice(end)), { once: true });
  return [found];
}

/** What the page's words mean, folded; they are looked for when it is opened. */
function glossaryOf(page) {
  const terms = el("dl", { class: "glossary" });
  const fill = () => {
    if (terms.children.length) return;
    const found = wordsIn(page.innerText); // in lines: the last word of a heading is none with the first after it
    terms.replaceChildren(...found.flatMap(([word, meaning]) => [el("dt", {}, word), el("dd", {}, meaning)]));
  };
  return [el("details", { class: "words", ontoggle: fill }, el("summary", {}, "Words on this page"), terms)];
}

const no = () => false;
const none = () => null;
const same = (href) => href;

/** What the address asks for: its path, its first part, the others, and what is after the question mark. */
function asked() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decode);
  return { path, name, rest, query: new URLSearchParams(query) };
}

/** A part of an address as text; as it stands where it is not well formed. */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function faultOf(what, fault) {
  const back = el("a", { href: "#/" }, "Back to the overview");
  const ways = el("p", {}, back, ", or press / to search for a head or a metric.");
  return [el("h1", {}, `Not in this ${what}`), el("p", { class: "fault" }, `${fault}.`), ways];
}
