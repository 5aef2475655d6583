// The form of a sentence of one's own: a text, a second one, pieces to generate.

import { action } from "../shared/controls.js";
import { el } from "../shared/dom.js";

const EXAMPLES = [
  "The nurse asked the doctor a question because she was late.",
  "The river rises in the hills, and the river flows past the town.",
];
const SECOND_HINT = "A second text, for models that read pairs";

/** `submit` hears { text, second, generate } when a person asks. */
export class TryForm {
  constructor({ text, second, generate }, submit) {
    this.first = this.#area("Text", "Type a sentence and press Enter", text);
    this.second = this.#area("Second text", SECOND_HINT, second);
    this.generate = el("input", {
      type: "number", min: 0, max: 999, step: 1, placeholder: 0, value: generate, "aria-label": "Pieces to generate",
    });
    const words = [el("span", {}, "Generate"), this.generate, el("span", {}, "pieces")];
    /** The number of pieces, for models that generate. */
    this.going = el("label", { class: "field", hidden: true }, ...words);
    this.add = action("Add a second text", () => { this.#pair(true); this.second.focus(); });
    this.go = el("button", { type: "submit", class: "go" }, "Show attention");
    this.busy = el("span", { class: "busy", role: "status" });
    const drop = action("Remove it", () => { this.second.value = ""; this.#pair(false); this.first.focus(); });
    this.other = el("div", { class: "other" }, this.second, drop);
    const options = el("div", { class: "options" }, this.go, this.going, this.add, this.busy);
    const onsubmit = (event) => {
      event.preventDefault();
      if (this.first.value.trim()) submit(this.#asked());
      else this.#wait();
    };
    this.form = el("form", { onsubmit }, this.first, this.other, options);
    const examples = EXAMPLES.flatMap((example, n) => this.#example(example, n));
    this.examples = el("p", { class: "examples" }, "Or look at ", ...examples);
    this.#pair(Boolean(second));
  }

  /** Without a text nothing is asked, and what is shown stays. */
  #wait() {
    this.busy.textContent = "Type a sentence first: nothing was asked.";
    this.first.focus();
  }

  #asked() {
    const generate = Number(this.generate.value) > 0 ? this.generate.value : "";
    return { text: this.first.value, second: this.second.value, generate };
  }

  /** Enter asks, Shift+Enter begins a line. */
  #area(label, placeholder, text) {
    const box = el("textarea", { rows: 2, "aria-label": label, placeholder, spellcheck: "false" });
    box.value = text;
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit();
    });
    return box;
  }

  #example(text, n) {
    const use = () => { this.first.value = text; this.form.requestSubmit(); };
    return [n ? " or " : "", action(text, use)];
  }

  #pair(isWanted) {
    this.other.hidden = !isWanted;
    this.add.hidden = isWanted;
  }

  /** Tell what is being done; nothing can be asked meanwhile. */
  tell(doing) {
    this.busy.textContent = doing;
    this.go.disabled = Boolean(doing);
  }
}
