// The board of all heads: which maps it offers, what it says of a head, what its address says.

import { headShort, readHeads } from "./head-numbers.js";
import { answersOf, headAt } from "./heads.js";

/** Values that the card of a head tells. */
const TOLD = 5;

/** The map of a metric at a label by their names, { metric, label }; null where the run has none. */
function mapOf(atlas, name, labelName) {
  const metric = atlas.byName.get(name);
  const label = metric?.place(labelName ?? "") ?? -1;
  return label < 0 ? null : { metric, label };
}

/** The same; of a metric that ranks heads by what is beyond chance, the map of that. */
export function beyondChance({ metric, label }) {
  const other = metric.excess?.place(metric.labels[label]) ?? -1;
  return other < 0 ? { metric, label } : { metric: metric.excess, label: other };
}

export const isSame = (one, other) => one.metric === other.metric && one.label === other.label;

/** The first of each of maps that are the same. */
const distinct = (maps) => maps.filter((one, n) => maps.findIndex((other) => isSame(one, other)) === n);

/**
 * The roles that any head has, and no role: [{ role, count, besides, map }], the number of heads of which it is the
 * first role, of those that have it besides others, and the map of what makes it; null where that is not one score.
 */
export function rolesShown(atlas) {
  const firsts = new Map(atlas.roles.groups().map(({ role, places }) => [role.name, places.length]));
  const besides = atlas.roles.besidesFirst();
  return [...atlas.roles.byName.values()].map((role) => {
    const one = role.score ? mapOf(atlas, role.score.metric, role.score.label) : null;
    const counts = { count: firsts.get(role.name) ?? 0, besides: besides.get(role.name) ?? 0 };
    return { role, ...counts, map: one && beyondChance(one) };
  }).filter(({ count, besides: more, map }) => count || more || map);
}

/** The role that a map shows what makes of; undefined for other maps. */
function roleOfMap(atlas, shown) {
  return atlas.roles ? rolesShown(atlas).find(({ map }) => map && isSame(map, shown))?.role : undefined;
}

/** The sentences that show what makes a head's roles, the first that the page has; undefined where it has none. */
export function answerOfRoles(atlas, place) {
  const claims = atlas.roles?.claims[place] ?? [];
  return claims.map((claim) => answersOf(atlas, ...headAt(atlas, place), claim)).find((one) => one?.list.length);
}

/** What the card tells of a head in numbers: the map shown, what makes its roles, then what tells of any head. */
export function toldOf(atlas, place, shown, usual) {
  const scores = atlas.roles?.scores[place] ?? [];
  const made = scores.map(({ metric, label }) => mapOf(atlas, metric, label)).filter(Boolean);
  const more = usual.map(([metric, label]) => ({ metric, label }));
  return distinct([...(shown ? [shown] : []), ...made, ...more]).slice(0, TOLD);
}

/**
 * What an address says: { shown, pinned, role }, the map, the place of a head, and the role that is looked for, or
 * null. The map is null for that of roles; of a run without any it is that of the first metric.
 */
export function readBoard(atlas, query) {
  const asked = query.has("map") ? mapOf(atlas, query.get("map"), query.get("label")) : null;
  const shown = asked ?? (atlas.roles ? null : mapOf(atlas, atlas.metrics[0].name, atlas.metrics[0].labels[0]));
  const role = (shown ? roleOfMap(atlas, shown) : atlas.roles.byName.get(query.get("role"))) ?? null;
  return { shown, pinned: readHeads(atlas, query.get("head"))[0] ?? null, role };
}

/** The address of a map with a head pinned. */
export function writeBoard(atlas, { shown, pinned, role }) {
  const query = new URLSearchParams();
  if (shown) query.set("map", shown.metric.name);
  else if (role) query.set("role", role.name);
  if (shown?.metric.dim) query.set("label", shown.metric.labels[shown.label]);
  if (pinned !== null) query.set("head", headShort(atlas, pinned));
  const text = String(query);
  return text ? `#/?${text}` : "#/";
}
