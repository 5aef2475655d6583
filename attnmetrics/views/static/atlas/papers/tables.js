// Tables 1, 2 and 3: relations, coreference, probes.

import { el } from "../../shared/dom.js";
import { coreferenceTable } from "../coreference-page.js";
import { section } from "../parts.js";
import { relationTable } from "../relations.js";

const TABLE_1 = "The best head of each relation, under the rule that finds most of its edges. Held out: the best "
  + "head of each half of the documents, on the other half. A relation opens its own page.";
const TABLE_2 = "Of the mentions with an earlier one of the same thing, the share whose most attended candidate is "
  + "one.";

export function table1(atlas) {
  const found = section("Table 1: heads that find relations", atlas.relations.length ? TABLE_1 : "");
  found.append(relationTable(atlas, true));
  const count = atlas.relations.length;
  if (count) found.append(el("p", {}, el("a", { href: "#/relation" }, `all ${count} relations, rare ones too`)));
  return found;
}

export function table2(atlas) {
  const found = section("Table 2: heads that find antecedents", atlas.coreference.length ? TABLE_2 : "");
  found.append(coreferenceTable(atlas));
  if (atlas.coreference.length) found.append(el("p", {}, el("a", { href: "#/coreference" }, "all of coreference")));
  return found;
}
