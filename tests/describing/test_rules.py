"""Rules as data: those of a user before the package's, those that a run lacks the results of, and what is no rule."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from attnmetrics.describing.finding import lacking
from attnmetrics.describing.frame import COLUMNS, roles_frame, sentences
from attnmetrics.describing.questions import answer, of_role
from attnmetrics.describing.rules import Limits, Rules, package_rules, read_rules, with_evidence
from attnmetrics.errors import ConfigError
from attnmetrics.results.evidence import LEAST_EVIDENCE


def made_up(**tables: object) -> xr.Dataset:
    """Results of two heads: shares, unless it is said."""
    variables = {name: (dims, np.asarray(values, float), {"kind": "share"}) for name, (dims, values) in tables.items()}  # type: ignore[misc]
    return xr.Dataset(variables, {"layer": [3], "head": [0, 1], "kind": ["a", "b"], "bound": ["low", "high"]})


HEAD = ("layer", "head")
DATA = made_up(
    null_attention=(HEAD, [[0.2, 0.5]]),
    shine=((*HEAD, "kind"), [[[0.7, 0.3], [0.1, 0.9]]]),
    shine_even=(("kind",), [0.4, 0.6]),
    glow=(HEAD, [[0.3, np.nan]]),
    rows=((), 100),
)
OWN = """
roles:
  - role: shiny
    score: {result: shine}
    chance: {result: shine_even}
    each: kind
    when: {at_least: 0.5, times_chance: 1.4, WHEN}
    words: {place: goes, text: "to {name} ({score}, {times} times even attention; median {median})"}
names:
  kind: {a: things that shine}
"""


def rules(tmp_path: Path, text: str) -> Rules:
    file = tmp_path / "own.yaml"
    file.write_text(text, encoding="utf-8")
    return read_rules(file)


def found(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(frame[["head", "role", "detail"]].itertuples(index=False, name=None))


def test_a_rule_of_a_user_makes_roles_rows_and_words(tmp_path: Path) -> None:
    frame = roles_frame(rules(tmp_path, OWN.replace(", WHEN", "")), DATA)
    assert tuple(frame.columns) == COLUMNS
    assert found(frame) == [(0, "shiny", "a"), (1, "shiny", "b")]
    assert frame.loc[0, ["layer", "score", "chance", "evidence"]].tolist() == pytest.approx([3, 0.7, 0.4, 0.8])
    assert np.isnan(frame[["low", "high"]].to_numpy()).all()
    said = sentences(frame)[3, 0]
    assert said == "Rests 20% on null pieces; the rest goes to things that shine (70%)."
    assert "goes to b (90%)" in sentences(frame)[3, 1]


@pytest.mark.parametrize(
    ("limit", "heads"),
    [
        ("at_most: 0.8", [0]),
        ("above_chance: 0.29", [0, 1]),
        ("above_chance: 0.31", []),
        ("errors: 6", [0, 1]),  # 0.3 ÷ √(0.24 ÷ 100) is 6.12 of both
        ("errors: 6.2", []),
    ],
)
def test_limits(tmp_path: Path, limit: str, heads: list[int]) -> None:
    text = OWN.replace("WHEN", limit).replace("    each", "    count: {result: rows}\n    each")
    frame = roles_frame(rules(tmp_path, text), DATA)
    assert sorted(set(frame.loc[frame["role"] == "shiny", "head"])) == heads


def test_a_further_score_has_limits_too_and_no_evidence_is_no_role(tmp_path: Path) -> None:
    text = OWN.replace(", WHEN", "").replace(
        "    words", "    where: [{score: {result: glow}, at_least: 0.1}]\n    words"
    )
    assert found(roles_frame(rules(tmp_path, text), DATA)) == [(0, "shiny", "a"), (1, "", "")]


def test_bounds_are_those_of_the_intervals(tmp_path: Path) -> None:
    intervals = made_up(shine=((*HEAD, "kind", "bound"), [[[[0.6, 0.8], [0, 0]], [[0, 0], [0.85, 0.95]]]]))
    frame = roles_frame(rules(tmp_path, OWN.replace(", WHEN", "")), DATA, intervals)
    assert frame[["low", "high"]].to_numpy().tolist() == [[0.6, 0.8], [0.85, 0.95]]


def test_a_sentence_says_where_a_head_is_no_better_than_a_simpler_rule(tmp_path: Path) -> None:
    own = OWN.replace(", WHEN", "").replace("    each:", "    simpler: {result: shine_simple}\n    each:", 1)
    own = own.replace("    words: {", '    words: {no_better: "The lamp does, too", ')
    bounds = made_up(shine=((*HEAD, "kind", "bound"), [[[[0.6, 0.8], [0, 0]], [[0, 0], [0.85, 0.95]]]]))
    for simple, sure, no_better in (
        ([0.69, 0.91], None, [1]), ([0.7, 0.89], None, [0]), ([0.6, 0.84], bounds, [0]), ([0.59, 0.85], bounds, [1]),
    ):  # fmt: skip
        data = DATA.assign(shine_simple=("kind", simple))
        said = sentences(roles_frame(rules(tmp_path, own), data, sure))
        assert [head for (_, head), text in said.items() if "The lamp does, too" in text] == no_better
    assert found(roles_frame(rules(tmp_path, own), DATA)) == [(0, "shiny", "a"), (1, "shiny", "b")], "a run may lack it"


@pytest.mark.parametrize(
    ("limit", "heads"),
    [("low_at_least: 0.6", [0, 1]), ("low_at_least: 0.7", [1]), ("low_above_chance: 0.22", [1])],
)
def test_limits_of_the_lower_bound_hold_where_there_is_none(tmp_path: Path, limit: str, heads: list[int]) -> None:
    """Scores 0.7 and 0.9, chance levels 0.4 and 0.6."""
    intervals = made_up(shine=((*HEAD, "kind", "bound"), [[[[0.6, 0.8], [0, 0]], [[0, 0], [0.85, 0.95]]]]))
    own = rules(tmp_path, OWN.replace("WHEN", limit))
    assert [head for head, role, _ in found(roles_frame(own, DATA, intervals)) if role] == heads
    assert [head for head, role, _ in found(roles_frame(own, DATA)) if role] == [0, 1]
    further = OWN.replace(", WHEN", "").replace(
        "    words", f"    where: [{{score: {{result: glow}}, {limit}}}]\n    words"
    )
    glow = made_up(glow=((*HEAD, "bound"), [[[0.1, 0.4], [np.nan, np.nan]]]))
    assert [role for _, role, _ in found(roles_frame(rules(tmp_path, further), DATA, glow))] == ["", ""]


def test_a_question_may_ask_for_clear_heads(tmp_path: Path) -> None:
    own = rules(
        tmp_path, OWN.replace(", WHEN", "") + "questions:\n  q: {title: Q, roles: [shiny], least: {shiny: 0.8}}"
    )
    frame = roles_frame(own, DATA)
    assert answer(own, frame, "q").heads == [(3, 1)]
    assert of_role(own, frame, "shiny").heads == [(3, 1), (3, 0)]


CLASSES = ["all", "other"]


def corefering(accuracy: float, attention: float, repeated: float) -> xr.Dataset:
    """A head that finds antecedents so often, where the nearest with the same word is right in 0.5, rules in 0.7."""
    of_class = ("mention_class",)
    tables = {
        "coreference_accuracy": ((*HEAD, "candidates", *of_class), [[[[accuracy, 0]]]]),
        "coreference_heuristic": (("heuristic", *of_class), [[0.5, 0], [0.7, 0]]),
        "coreference_anaphors": (of_class, [900, 9]),
        "coreference_attention": (HEAD, [[attention]]),
        "coreference_attention_uniform": ((), 0.02),
        "repeat_attention": (HEAD, [[repeated]]),
    }
    labels = {"layer": [0], "head": [0], "candidates": ["mentions"], "heuristic": ["head_match", "sieves"]}
    variables = {name: (dims, np.asarray(table, float), {"kind": "share"}) for name, (dims, table) in tables.items()}
    return xr.Dataset(variables, {**labels, "mention_class": CLASSES})


@pytest.mark.parametrize(
    ("accuracy", "attention", "repeated", "chance"),
    [
        (0.65, 0.2, 0.05, 0.5),
        (0.65, 0.2, 0.2, None),  # as much goes to like pieces: it copies
        (0.65, 0.03, 0.0, None),  # next to no attention goes there
        (0.8, 0.07, 0.2, 0.7),  # finds more than copying could
        (0.55, 0.2, 0.0, None),
    ],
)
def test_coreference_is_more_than_copying(
    accuracy: float, attention: float, repeated: float, chance: float | None
) -> None:
    frame = roles_frame(package_rules(), corefering(accuracy, attention, repeated))
    held = frame[frame["role"] == "coreference"]
    assert held["detail"].tolist() == ([] if chance is None else ["all"])
    assert held["chance"].tolist() == ([] if chance is None else [chance])


def test_a_chance_level_may_be_scaled_by_evidence_and_a_score_be_the_largest(tmp_path: Path) -> None:
    text = """
roles:
  - {role: scaled, score: {result: glow}, chance: {result: shine_even, at: {kind: a},
     times_evidence: true}, when: {at_least: 0}}
  - {role: largest, score: {result: shine, largest: kind}, when: {at_least: 0.8}}
"""
    frame = roles_frame(rules(tmp_path, text), DATA)
    assert found(frame) == [(0, "scaled", ""), (1, "largest", "")]
    assert frame[["score", "chance"]].iloc[0].tolist() == pytest.approx([0.3, 0.4 * 0.8])


def test_rules_without_results_are_skipped_and_named(tmp_path: Path) -> None:
    frame = roles_frame(rules(tmp_path, OWN.replace(", WHEN", "")), DATA)
    assert frame.attrs["skipped"]["coreference"] == "coreference_accuracy"
    assert {"shiny", "nearly switched off"} & set(frame.attrs["skipped"]) == set()
    one, other = ({"role": "r", "score": {"result": name}} for name in ("glow", "nothing"))
    assert lacking(Rules.model_validate({"roles": [one, other]}), DATA) == {}
    assert lacking(Rules.model_validate({"roles": [other]}), DATA) == {"r": "nothing"}


def test_a_label_that_a_run_lacks_is_a_result_that_it_lacks() -> None:
    rule = {"role": "r", "score": {"result": "shine", "at": {"kind": "c"}}, "when": {"at_least": 0}}
    assert lacking(Rules.model_validate({"roles": [rule]}), DATA) == {"r": "shine"}


def test_a_dimension_without_a_label_is_refused_and_one_that_is_not_there_is_lacking() -> None:
    rule = {"role": "r", "score": {"result": "shine"}, "when": {"at_least": 0}}
    with pytest.raises(ConfigError, match=r"for every dimension of 'shine', found none for \['kind'\]; name one"):
        roles_frame(Rules.model_validate({"roles": [rule]}), DATA)
    other = {**rule, "score": {"result": "glow"}, "each": "kind"}
    assert lacking(Rules.model_validate({"roles": [other]}), DATA) == {"r": "glow"}


def test_a_role_of_a_user_stands_for_the_packages_own(tmp_path: Path) -> None:
    rule = "{role: nearly switched off, score: {result: null_attention}, when: {at_least: 0.4}, contradicts: all}"
    own = rules(tmp_path, f"roles: [{rule}]")
    assert [rule.role for rule in own.roles].count("nearly switched off") == 1
    assert own.roles[0].when == Limits(at_least=0.4)
    assert found(roles_frame(own, DATA)) == [(0, "", ""), (1, "nearly switched off", "")]


def test_the_share_below_which_heads_are_switched_off_can_be_another() -> None:
    assert found(roles_frame(with_evidence(package_rules(), 0.3), DATA)) == [(0, "", ""), (1, "", "")]
    off = [(0, "", ""), (1, "nearly switched off", "")]
    assert found(roles_frame(with_evidence(package_rules(), 0.6), DATA)) == off
    with pytest.raises(ConfigError, match="expected a share of attention from 0 to 1"):
        with_evidence(package_rules(), 5)
    assert with_evidence(package_rules(), LEAST_EVIDENCE) == package_rules()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("roles: [{role: r, when: {at_least: 1}}]", r"roles\[0\]\.score: Field required"),
        ("roles: [{role: r, score: {result: x}, when: {more: 1}}]", r"roles\[0\]\.when\.more: Extra inputs"),
        ("roles: [{role: r, score: {result: x}, colour: red}]", r"roles\[0\]\.colour: String should match"),
        ("rolls: []", "rolls: Extra inputs"),
        ("- a", "expected fields"),
        ("roles: [", "is not valid YAML"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        rules(tmp_path, text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        read_rules(tmp_path / "none.yaml")


def test_every_rule_of_the_package_is_told_or_has_a_role() -> None:
    known = package_rules()
    assert all(rule.words for rule in known.roles)
    assert {name for rule in known.roles for name in rule.contradicts} <= {*known.names_of_roles, "all"}
    asked = {role for one in known.questions.values() for role in (*one.roles, *one.without)}
    assert asked <= {*known.names_of_roles}
    first = {rule.role: rule for rule in reversed(known.roles)}
    assert all(first[name].meaning for name in known.names_of_roles)
