// A page of many pages: addresses behind the number sign, and what draws the page of each.

import { themeToggle } from "../shared/controls.js";
import { el } from "../shared/dom.js";

const HEAD_HINT = "Two numbers: layer and head, such as 4.11";

export class Site {
  /**
   * atlas: what the pages show, { name, evidence, … }; what: it is called.
   * pages: what draws the page of an address, by its first part: (root, atlas, other parts, go, query); `go` leads to
   * another address. It returns what is wrong with the address, or null.
   * links: [[href, name], …] on top; lit: the link that is lit on pages that have none of their own.
   * notOfHeads: pages without numbers of heads.
   * ready(query): hears an address before its page is drawn, and returns what is wrong with it, or null.
   */
  constructor(root, atlas, { what, pages, links, lit, notOfHeads = [], ready = () => null }) {
    Object.assign(this, { atlas, what, pages, lit, notOfHeads, ready });
    this.page = el("div", { class: "page", tabindex: -1 });
    const anchors = links.map(([href, name]) => el("a", { href }, name));
    this.nav = el("nav", { class: "pages", "aria-label": "Pages" }, ...anchors);
    const brand = el("a", { class: "brand", href: "#/" }, atlas.name);
    root.replaceChildren(el("header", { class: "bar" }, brand, this.nav, jump(), themeToggle()), this.page);
  }

  listen() {
    let width = innerWidth;
    addEventListener("hashchange", () => { this.#draw(); this.page.focus({ preventScroll: true }); });
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      if (!this.page.querySelector(".try")) this.#draw(); // the views follow the width themselves
    });
    this.#draw();
  }

  #draw() {
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const [name, ...rest] = path.split("/").map(decode);
    this.page.replaceChildren();
    const draw = Object.hasOwn(this.pages, name)
      ? this.pages[name]
      : () => `expected a page of the ${this.what}, found ${path}`;
    const asked = new URLSearchParams(query);
    const fault = this.ready(asked) ?? draw(this.page, this.atlas, rest, go, asked);
    if (fault) this.page.replaceChildren(...faultOf(this.what, fault));
    else if (!this.notOfHeads.includes(name)) this.page.append(...howSure(this.atlas));
    this.#light(this.lit[name] ?? name);
    document.title = `${this.page.querySelector("h1")?.textContent ?? "Attention heads"} · ${this.atlas.name}`;
    const chosen = this.page.querySelector(".chosen");
    if (chosen) chosen.scrollIntoView({ block: "center" });
    else scrollTo(0, 0);
  }

  /** Draw the page again with other heads switched off; what was seen and chosen stays where it was. */
  setEvidence(least) {
    const top = scrollY;
    this.atlas.evidence.least = least;
    this.#draw();
    scrollTo(0, top);
    this.page.querySelector(".evidence select")?.focus({ preventScroll: true });
  }

  /** Light the link of a page. */
  #light(name) {
    for (const link of this.nav.querySelectorAll("a")) {
      const isHere = link.getAttribute("href") === `#/${name}`;
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
}

/** Once a page: what intervals are, or why there are none and what to do. */
const howSure = ({ sureness }) => (sureness ? [el("p", { class: "note sure" }, sureness)] : []);

const go = (href) => { location.hash = href; };

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
  return [el("h1", {}, `Not in this ${what}`), el("p", {}, `${fault}.`), el("p", {}, back)];
}

/** A box that goes to a head by its numbers. */
function jump() {
  const name = "Go to a head: layer.head";
  const attributes = { type: "text", inputmode: "decimal", placeholder: "layer.head", "aria-label": name, size: 9 };
  const input = el("input", attributes);
  const onsubmit = (event) => {
    event.preventDefault();
    const found = input.value.match(/^\D*(\d+)\D+(\d+)\D*$/);
    input.setCustomValidity(found ? "" : HEAD_HINT);
    if (!found) { input.reportValidity(); return; }
    input.value = "";
    go(`#/head/${Number(found[1])}/${Number(found[2])}`);
  };
  return el("form", { class: "jump", onsubmit, oninput: () => input.setCustomValidity("") }, input);
}
