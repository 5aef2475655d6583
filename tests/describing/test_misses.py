"""Rules that heads only just miss: by how much, by hand; and that nothing is missed that is held."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from planted import planted
from test_rules import DATA

from attnmetrics.describing.finding import find
from attnmetrics.describing.misses import Miss, beyond_reach, misses
from attnmetrics.describing.rules import Rules, package_rules, read_rules
from attnmetrics.describing.tables import Tables

OWN = """
roles:
  - role: shiny
    score: {result: shine}
    chance: {result: shine_even}
    each: kind
    when: {WHEN}
    where: [WHERE]
  - role: dull
    score: {result: glow}
    when: {at_most: 0.2}
    contradicts: [shiny]
"""


def own_rules(tmp_path: Path, when: str, where: str = "") -> Rules:
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace("WHEN", when).replace("WHERE", where), encoding="utf-8")
    return Rules(roles=read_rules(file).roles[:2])


def missed(tmp_path: Path, when: str, where: str = "", intervals: xr.Dataset | None = None) -> list[Miss]:
    """Those of the first head, but for what it has."""
    return misses(own_rules(tmp_path, when, where), Tables(DATA, intervals), {}).get((0, 0), [])


@pytest.mark.parametrize(
    ("when", "asked", "way"),
    [
        ("at_least: 0.8", 0.8, 0.75),  # 0.7 of 0.8, by chance 0.4
        ("above_chance: 0.35", 0.75, 0.3 / 0.35),
        ("times_chance: 1.9", 0.76, 0.3 / 0.36),
        ("at_least: 0.72, above_chance: 0.4", 0.8, 0.75),  # the highest of what is asked for
    ],
)
def test_what_is_asked_for_and_how_far_a_head_came(tmp_path: Path, when: str, asked: float, way: float) -> None:
    (one,) = [miss for miss in missed(tmp_path, when) if miss.rule.role == "shiny"]
    assert (one.detail, one.score, one.chance) == ("a", 0.7, 0.4)
    assert [ask.asked for ask in one.asks] == pytest.approx([asked])
    assert one.way == pytest.approx(way)


@pytest.mark.parametrize("when", ["at_least: 0.69", "at_least: 0.9"])
def test_what_is_held_and_what_is_far_off_is_not_missed(tmp_path: Path, when: str) -> None:
    assert [miss for miss in missed(tmp_path, when) if miss.rule.role == "shiny"] == []


@pytest.mark.parametrize(
    ("when", "labels"),
    [("above_chance: 0.4", []), ("above_chance: 0.41", ["b"]), ("times_chance: 2.6", ["a", "b"]), ("at_least: 1", [])],
)
def test_a_rule_that_asks_for_more_than_all_is_beyond_reach(tmp_path: Path, when: str, labels: list[str]) -> None:
    """Chance levels 0.4 and 0.6."""
    assert beyond_reach(own_rules(tmp_path, when), Tables(DATA)) == labels


def test_at_most_is_asked_from_above(tmp_path: Path) -> None:
    assert missed(tmp_path, "at_least: 0.9") == [], "0.2 of 0.3 is less than what counts as near"
    near = DATA.assign(glow=DATA["glow"] - 0.05)
    dull = Rules(roles=(read_rules(tmp_path / "own.yaml").roles[1],))
    ((ask,),) = (one.asks for one in misses(dull, Tables(near), {})[0, 0])
    assert (ask.found, ask.asked, ask.at_most) == (pytest.approx(0.25), 0.2, True)


def test_conditions_are_asked_for_besides(tmp_path: Path) -> None:
    (one,) = missed(tmp_path, "at_least: 0.6", "{score: {result: glow}, at_least: 0.4}")
    ((name, found, asked),) = ((ask.term.result, ask.found, ask.asked) for ask in one.asks)
    assert (name, found, asked) == ("glow", 0.3, 0.4)
    assert one.way == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("result", "asked", "is_near"), [("glow", 0.45, True), ("glow", 0.46, False), ("glow_excess", 0.46, True)]
)
def test_less_than_two_thirds_of_what_is_asked_is_not_near(
    tmp_path: Path, result: str, asked: float, is_near: bool
) -> None:
    """0.3 is two thirds of 0.45; what is beyond a chance level is told however little it is."""
    file = tmp_path / "own.yaml"
    where = f"{{score: {{result: {result}}}, at_least: {asked}}}"
    file.write_text(OWN.replace("WHEN", "at_least: 0.6").replace("WHERE", where), encoding="utf-8")
    only = Rules(roles=read_rules(file).roles[:1])
    found = misses(only, Tables(DATA.assign(glow_excess=DATA["glow"])), {}).get((0, 0), [])
    assert [[ask.asked for ask in one.asks] for one in found] == ([[asked]] if is_near else [])


def test_the_lower_end_of_an_interval_is_asked_for(tmp_path: Path) -> None:
    bounds = np.array([[[[0.45, 0.9], [0.2, 0.4]], [[0, 1], [0.8, 1]]]])  # [layer, head, kind, bound]
    intervals = xr.Dataset({"shine": (("layer", "head", "kind", "bound"), bounds)}, DATA.coords)
    assert missed(tmp_path, "at_least: 0.6, low_above_chance: 0.1") == [], "without intervals nothing is asked of them"
    (one,) = missed(tmp_path, "at_least: 0.6, low_above_chance: 0.1", intervals=intervals)
    assert [(ask.of, ask.found, ask.asked, ask.bounds) for ask in one.asks] == [("low", 0.45, 0.5, (0.45, 0.9))]
    assert one.bounds == (0.45, 0.9)
    (other,) = missed(tmp_path, "at_least: 0.8", intervals=intervals)
    assert [(ask.of, ask.bounds) for ask in other.asks] == [("score", (0.45, 0.9))]


def test_what_the_heads_roles_contradict_is_not_missed(tmp_path: Path) -> None:
    assert missed(tmp_path, "at_least: 0.8")
    tables, rules = Tables(DATA), Rules(roles=read_rules(tmp_path / "own.yaml").roles[:2])
    assert (0, 0) not in misses(rules, tables, {(0, 0): [("dull", "")]})
    assert (0, 0) not in misses(rules, tables, {(0, 0): [("shiny", "a")]})


def test_no_role_is_missed_that_a_head_has() -> None:
    tables = Tables(planted())
    held = {
        (place, one.name) for place, all_ in find(package_rules(), tables).of_head.items() for one in all_ if one.held
    }
    near = [(place, one) for place, all_ in misses(package_rules(), tables, {}).items() for one in all_]
    named = {(place, f"{one.rule.role}: {one.detail}" if one.detail else one.rule.role) for place, one in near}
    assert held and named and not held & named
    assert all(one.asks and 0 <= one.way < 1 for _, one in near)
