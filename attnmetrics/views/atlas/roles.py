"""What the atlas' page holds of roles: those of every head, its sentence, heads like it, and answers to questions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.finding import shares, tried
from attnmetrics.describing.frame import sentences
from attnmetrics.describing.luck import by_luck
from attnmetrics.describing.misses import beyond_reach
from attnmetrics.describing.nearest import families, family_names, nearest, profile_distances
from attnmetrics.describing.origin import givers, label_of
from attnmetrics.describing.questions import HEAD, Answer, answers
from attnmetrics.describing.rules import Question, Rule, Rules, Term, package_rules
from attnmetrics.describing.tables import Array, Tables, has
from attnmetrics.views.answers import Heads, in_groups
from attnmetrics.views.claims import claim_of
from attnmetrics.views.evidence import least
from attnmetrics.views.headlines import headlines, surest_first
from attnmetrics.views.luck import luck_in_short, luck_told
from attnmetrics.views.misses import misses_told, near_answers, said_besides
from attnmetrics.views.page import pack, pack_json
from attnmetrics.views.pieces import visible
from attnmetrics.views.roles import role_names, scores_told, with_rules
from attnmetrics.views.rule_words import question_words, rules_told
from attnmetrics.views.similarity import quartiles
from attnmetrics.views.tables import further, unit_word

NEAREST: Final = 8
"""Heads told beside a head whose profile is most like its own."""
TO_DEPENDENT: Final = "attending_is_parent"
"""The direction of relations whose dependent is looked at."""
SCORES: Final = 3
"""Of a head's roles that are told in numbers beside its sentence."""

Shares = Sequence[tuple[float, pd.DataFrame]]
"""The table of roles with each share that a page may ask for as evidence, the run's own among them."""


def find_rules(data: xr.Dataset, frames: Shares) -> Shares:
    """The tables with rules (see `views.roles.with_rules`); where no head changes it is the same table."""
    rules, tables = package_rules(), Tables.of(data)
    found = {key: with_rules(rules, tables, frame) for key, frame in _distinct(frames).items()}
    return [(share, found[id(frame)]) for share, frame in frames]


def claims_of_roles(data: xr.Dataset, frames: Shares) -> set[tuple[str, int, int]]:
    """(claim, layer, head) of what makes each head have its roles, of tables with rules."""
    every = pd.concat(_distinct(frames).values()).drop_duplicates(["layer", "head", "role", "detail"])
    return {(claim, int(row.layer), int(row.head)) for row in every.itertuples() for claim in _claims(data, row)}


def _claims(data: xr.Dataset, row: Any) -> Iterator[str]:
    """What shows a role, the best first: the claim of its score; of a relation, whose finds a run keeps of its best
    head alone, also attention to its dependents, where these are looked at, and all dependencies in its direction.
    """
    cell = _cell(data, row.rule, row.detail)
    if cell:
        yield claim_of(cell[0], cell[1] or None)
    label, _, direction = str(row.detail).partition(", ")
    if direction == TO_DEPENDENT:
        yield f"dependency_type_to:{label}"
    if direction:
        yield f"dependency:{direction}"


def pack_roles(data: xr.Dataset, frames: Shares) -> dict[str, Any]:
    """What the page's script reads; `later` what its first page does without.

    Args:
        data: the run's results.
        frames: tables with rules.
    """
    rules, tables = package_rules(), Tables.of(data)
    distances = profile_distances(tables)
    numbers = families(distances)
    by_frame = {key: _told(data, frame, numbers) for key, frame in _distinct(frames).items()}
    told = [(share, by_frame[id(frame)]) for share, frame in frames]
    usual = next(one for share, one in told if share == least(data))
    own = next(frame for share, frame in frames if share == least(data))
    every = pd.concat([frame for _, frame in frames])
    luck = by_luck(rules, tables)
    by_head, of_shares = _by_head(own, _heads(data)), shares(rules, data)
    return {
        "known": _known(data, rules, every),
        "tried": tried(rules, tables),
        "luck": luck_told(luck),
        "luckInShort": luck_in_short(luck),
        **usual,
        "scores": [_scores(data, rows) for rows in by_head],
        "claims": [_claims_told(data, rows) for rows in by_head],
        "families": pack(np.nan_to_num(numbers, nan=-1).astype("<i2")),
        "later": pack_json({
            "told": [scores_told(rows, of_shares) for rows in by_head],
            "besides": said_besides(rules, tables),
            "misses": misses_told(rules, tables, own),
            "beyondReach": [visible(label) for label in beyond_reach(rules, tables)],
            "apart": quartiles(distances),
            "near": [_near(distances, place) for place in range(len(distances))],
            "others": [(share, _changed(one, usual)) for share, one in told if one != usual],
        }),
    }  # fmt: skip


def _distinct(frames: Shares) -> dict[int, pd.DataFrame]:
    """The tables that are not the same one, by their `id`."""
    return {id(frame): frame for _, frame in frames}


def _told(data: xr.Dataset, frame: pd.DataFrame, numbers: Array) -> dict[str, Any]:
    """What a table of roles says: of each head, and which heads answer what."""
    rules, heads, said = package_rules(), _heads(data), sentences(frame)
    by_head = _by_head(frame, heads)
    near = near_answers(rules, Tables.of(data), frame)
    return {
        "ofHead": [_of_head(rows, rules) for rows in by_head],
        "headlines": [headlines(rows, rules, unit_word(data), shares(rules, data)) for rows in by_head],
        "sentences": [visible(said.get(head, "")) for head in heads],
        "questions": [
            _question(data, rules.questions[one.key], one, near.get(one.key, ()), heads)
            for one in answers(rules, frame)
        ],
        "familyNames": [visible(name) for _, name in sorted(family_names(numbers, frame).items())],
    }


def _changed(one: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """The same, but of each head only where it is told otherwise: [place, roles, sentence, headlines]."""
    names = ("ofHead", "sentences", "headlines")
    now, as_usual = (zip(*(told[name] for name in names), strict=True) for told in (one, usual))
    both = enumerate(zip(now, as_usual, strict=True))
    changed = [(place, *told) for place, (told, before) in both if told != before]
    return {"heads": changed, "questions": one["questions"], "familyNames": one["familyNames"]}


def _near(distances: Array, place: int) -> list[tuple[int, float]]:
    return [(other, round(distance, 4)) for other, distance in nearest(distances, place, NEAREST)]


def _heads(data: xr.Dataset) -> list[tuple[int, int]]:
    """(layer, head) of all heads, layer by layer."""
    return [(layer, head) for layer in data["layer"].values.tolist() for head in data["head"].values.tolist()]


def _known(data: xr.Dataset, rules: Rules, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The roles that any head has, in order, with colour and meaning, and their score where it is one for all heads."""
    first = {rule.role: rule for rule in reversed(rules.roles)}
    details = {str(role): sorted({*map(str, rows)}) for role, rows in frame.groupby("role")["detail"]}
    return [
        {
            "name": visible(role),
            "colour": first[role].colour if role in first else "#7d8894",
            "meaning": visible(first[role].meaning) if role in first else "",
            "score": _score_of_all(data, rules, role, details[role]),
        }
        for role in dict.fromkeys([*rules.names_of_roles, *details])
        if role and role in details
    ]


def _score_of_all(data: xr.Dataset, rules: Rules, role: str, details: Sequence[str]) -> dict[str, str] | None:
    """The score of a role's heads at the details that they have, where it is the same one."""
    made = ((rule, detail) for detail in details for rule in givers(rules, data, role, detail))
    found = [score for rule, detail in made if (score := _score(data, rule, detail))]
    return found[0] if found and all(score == found[0] for score in found) else None


def _score(data: xr.Dataset, rule: Rule | None, detail: str) -> dict[str, str] | None:
    """What a rule scores heads by at a detail (see `_cell`), as the page reads it."""
    cell = _cell(data, rule, detail)
    return cell and {"metric": cell[0], "label": visible(cell[1])}


def _cell(data: xr.Dataset, rule: Rule | None, detail: str) -> tuple[str, str] | None:
    """The table and the label of it that a rule scores heads by at a detail; None where it is no single label."""
    if rule is None or rule.score.result not in data:
        return None
    at = {**rule.score.at, **({rule.each: label_of(detail)} if rule.each else {})}
    dims = further(data[rule.score.result])
    if not all(dim in at for dim in dims):
        return None
    return rule.score.result, ", ".join(str(at[dim]) for dim in dims)


def _by_head(frame: pd.DataFrame, heads: list[tuple[int, int]]) -> list[list[Any]]:
    """The rows of each head, in the order of its headlines."""
    groups = defaultdict[tuple[int, int], list[Any]](list)
    for row in frame.itertuples(index=False):
        groups[row.layer, row.head].append(row)
    return [surest_first(groups[head]) for head in heads]


def _of_head(rows: Sequence[Any], rules: Rules) -> list[tuple[str, str, float]]:
    """(role, role with its details in words, how strongly at most) of each, in order."""
    held = [(str(row.role), str(row.by), float(row.score)) for row in rows if row.role]
    scores = defaultdict[str, list[float]](list)
    for role, _, score in held:
        scores[role].append(_sign(rules, role) * score)
    named = role_names((role, detail) for role, detail, _ in held)
    return [(visible(role), words, round(float(np.fmax.reduce(scores[role])), 4)) for role, words in named]


def _sign(rules: Rules, role: str) -> int:
    """-1 for a role of low scores."""
    return -1 if any(rule.when and rule.when.at_most is not None for rule in rules.roles if rule.role == role) else 1


def _scores(data: xr.Dataset, rows: Sequence[Any]) -> list[dict[str, str]]:
    """What made a head have its first roles, in order."""
    found = (_score(data, row.rule, row.detail) for row in rows if row.role)
    return [score for score in found if score][:SCORES]


def _claims_told(data: xr.Dataset, rows: Sequence[Any]) -> list[str]:
    """The claims that show what its headlines say, the best first: not of relations that the nearest word of a class
    finds as well, unless the head has no other role.
    """
    own = [row for row in rows if row.role]
    said = [row for row in own if not row.remark] or own
    return [visible(claim) for row in said[:SCORES] for claim in _claims(data, row)]


def _question(
    data: xr.Dataset, question: Question, found: Answer, near: Heads, heads: list[tuple[int, int]]
) -> dict[str, Any]:
    """A question, the places of the heads that answer it and of those that nearly do, and what the finder shows."""
    axes = question.axes
    known = axes is not None and all(has(data, term) for term in (axes.x, axes.y))
    shown = {"y": _axis(axes.y), "x": _axis(axes.x)} if axes is not None and known else None
    grouped, at = in_groups(found, near), {head: place for place, head in enumerate(heads)}

    def places(some: Heads) -> list[int]:
        return [at[head] for head in some]

    words = visible(question_words(data, package_rules(), question))
    told = {"key": visible(found.key), "title": visible(question.title), "words": words}
    by_rule = {"rules": [visible(one) for one in rules_told(data, package_rules(), question)]}
    others = {"barred": places(found.barred), "near": places(near)}
    listed = {"places": places(grouped.answer.heads), **others, "why": _why(data, grouped.answer)}
    groups = [{"title": group.title, "places": places(group.heads)} for group in grouped.groups]
    return {**told, **by_rule, **listed, "groups": groups, "grouped": grouped.told, "axes": shown}


def _why(data: xr.Dataset, found: Answer) -> list[tuple[str, ...]]:
    """Of each head that answers a question, in order, the role that comes first: in words, score, interval, level,
    chance, what the nearest word of a class finds, a remark where the head finds no more.
    """
    told = scores_told(found.rows.itertuples(), shares(package_rules(), data))
    return [
        (*one[:5], one.nearest, one.remark)
        for one, again in zip(told, found.rows.duplicated(HEAD), strict=True)
        if not again
    ]


def _axis(term: Term) -> Mapping[str, str]:
    return {"metric": term.result, "label": ", ".join(str(label) for label in term.at.values())}
