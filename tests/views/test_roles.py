"""Roles in the terminal, in the atlas, and by their command."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pages import Desk, chromium, needs_chromium, save, visit
from playwright.sync_api import Page, expect
from rich.console import Console, RenderableType
from synthetic import attention, dataset, exemplars, facts

import attnmetrics
from attnmetrics.cli import main
from attnmetrics.describing.finding import shares, tried
from attnmetrics.describing.frame import COLUMNS, roles_frame, sentences
from attnmetrics.describing.misses import Ask, Miss
from attnmetrics.describing.nearest import profile_distances
from attnmetrics.describing.questions import answers
from attnmetrics.describing.rules import Term, read_rules, with_evidence
from attnmetrics.describing.tables import Tables
from attnmetrics.running.roles import page_roles, roles_by_evidence
from attnmetrics.storage import locate
from attnmetrics.views.atlas.page import contents, render
from attnmetrics.views.atlas.roles import claims_of_roles, find_rules, pack_roles
from attnmetrics.views.evidence import evidence, least, with_least
from attnmetrics.views.headlines import headlines, number_line
from attnmetrics.views.misses import misses_told, near_answers
from attnmetrics.views.numbers import percent
from attnmetrics.views.role_evidence import HELD_OUT
from attnmetrics.views.roles import RULES, Told, role_names, with_rules
from attnmetrics.views.rule_words import question_words, rules_told
from attnmetrics.views.tables import values
from attnmetrics.views.terminal.roles import show_answers, show_families, show_like, show_sentence

sys.path.append(str(Path(__file__).parents[1] / "describing"))
from planted import HEADS, head, planted

OVER = [
    ("induction", "induction_rows", "pieces that came before"),
    ("repeated piece", "repeat_rows", "pieces that came before"),
    ("position alone", "variability_sentences", "sentences"),
    *((role, "pieces", "pieces") for role in ("first piece", "broad", "nearly switched off")),
    *((role, "pieces", "pieces, off null") for role in ("own piece", "previous piece", "along dependencies")),
    ("part of speech: DET", "pieces", "pieces, off null"),
]
"""What scores are taken over: role, result, in words."""
SKIPPED = {"rel": ("punct", "root", "_", "_rest", "dep", "ROOT"), "pos": ("_", "_rest", "X")}
HOSTILE = "<b>the</b> [red]\x1b[31m"


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return planted()


@pytest.fixture(scope="module")
def frame(data: xr.Dataset) -> pd.DataFrame:
    return roles_frame(read_rules(None), data, pieces={(0, head("second sink")): (HOSTILE,)})


@pytest.fixture(scope="module")
def named(data: xr.Dataset, frame: pd.DataFrame) -> pd.DataFrame:
    return with_rules(read_rules(None), Tables.of(data), frame)


def text(renderable: RenderableType, width: int = 180) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as caught:
        console.print(renderable)
    return caught.get()


def test_the_terminal_lists_the_heads_of_each_question(named: pd.DataFrame) -> None:
    shown = text(show_answers(answers(read_rules(None), named), named, 2))
    assert "Which heads follow syntax?  1 head\n" in shown
    assert (
        f"layer 0 head {head('syntax')}   syntactic relation: nsubj (the dependent looks most at its head word)"
        in shown
    )
    assert "Which are only position?  3 heads\n" in shown
    assert f"and 0.{head('position')}\n" in shown
    assert f"nearly switched off, but for that among them: 0.{head('inactive')}\n" in shown
    assert "not told of this run: coreference (no coreference_accuracy)" in shown


def test_scores_of_relations_have_the_number_of_their_cases_and_what_holds_held_out(
    data: xr.Dataset, named: pd.DataFrame
) -> None:
    at = {"rule": "row", "rel": "nsubj"}
    edges, held_out = (float(data[name].sel(at)) for name in ("relation_edges_attainable", "relation_best_accuracy"))
    for shown in (
        text(show_answers(answers(read_rules(None), named)[:1], named, 2)),
        text(show_sentence(named, 0, head("syntax"))),
    ):
        header, first = (next(line for line in shown.splitlines() if part in line)
                         for part in ("held out", "syntactic relation: nsubj"))  # fmt: skip
        assert re.search(r"score .* of +held out +chance", header)
        assert re.search(rf" {edges:,.0f} edges +{percent(held_out)} ", first)
    narrow = text(show_answers(answers(read_rules(None), named)[:1], named, 2), 60)
    assert "shows also: chance is, nearest of a class, held out, of" in " ".join(narrow.split())
    assert max(map(len, narrow.splitlines())) <= 60
    plain = text(show_sentence(named, 0, head("own")))
    assert "held out" not in plain, "no role of this head is a share of counted cases"


BY_NEAREST = "1 of 1 with a relation find it better than the nearest word of any class"


def test_the_terminal_says_of_which_heads_the_nearest_word_finds_no_less(named: pd.DataFrame) -> None:
    shown = text(show_answers(answers(read_rules(None), named)[:1], named, 2))
    assert f"Which heads follow syntax?  1 head\n{BY_NEAREST}\nBetter than the nearest word" in shown
    as_good = named.assign(remark=named["nearest"].where(named["nearest"] == "", "no better"))
    few = text(show_answers(answers(read_rules(None), as_good)[:1], as_good, 2), 300)
    assert "0 of 1 with a relation" in few and "\nAlong dependencies beyond what distances give" in few
    assert "); no better " in few, "beside the role, for a narrow terminal has no room for the column"
    alone = as_good[as_good["role"] != "along dependencies"]
    only = text(show_answers(answers(read_rules(None), alone)[:1], alone, 2))
    assert "\nBy relations alone, which the nearest word of a class finds" in only
    near = {"syntax": [(0, 7), (2, 1)]}
    besides = text(show_answers(answers(read_rules(None), named)[:1], named, 2, near=near), 300)
    assert (
        "only just missing the rule, but better than the nearest word of any class in a relation: 0.7, 2.1" in besides
    )
    before = named.assign(nearest="", remark="")
    assert "nearest word" not in text(show_answers(answers(read_rules(None), before)[:1], before, 2))


def test_a_list_may_be_of_sentences(named: pd.DataFrame) -> None:
    shown = text(show_answers(answers(read_rules(None), named)[:1], named, 2, with_sentences=True))
    assert f"layer 0 head {head('syntax')}  Rests 42% on the first piece;" in shown


def test_a_head_is_told_in_a_sentence_with_its_roles(named: pd.DataFrame) -> None:
    shown = text(show_sentence(named, 0, head("syntax")))
    assert shown.startswith("Rests 42% on the first piece; the rest is spread over the sentence")
    rows = [line.split("  ")[0] for line in shown.splitlines()]
    rels = [f"syntactic relation: {rel} (the dependent looks most at its head word)" for rel in ("nsubj", "det", "obj")]
    assert [row for row in rows if row in (*rels, "along dependencies")] == [*rels, "along dependencies"]
    assert "\x1b" not in text(show_sentence(named, 0, head("second sink")))
    assert "[red]" in text(show_sentence(named, 0, head("second sink")))


def test_roles_that_differ_in_a_name_alone_are_told_together() -> None:
    assert list(role_names([("second sink", "the")])) == [("second sink", "second sink: most often the")]
    roles = [("relation", "obj, row"), ("previous", ""), ("relation", "det, row")]
    assert list(role_names(roles)) == [
        ("relation", "relation: obj, det (the dependent looks most at its head word)"),
        ("previous", "previous"),
    ]


def test_a_headline_says_what_a_head_does_by_its_surest_role_with_its_number(
    data: xr.Dataset, named: pd.DataFrame
) -> None:
    def told(role: str) -> list[tuple[str, str]]:
        rows = [row for row in named.itertuples() if row.head == head(role)]
        return headlines(rows, read_rules(None), "sentence", shares(read_rules(None), data))

    at = {"rule": "row", "rel": "nsubj"}
    score, chance, nearest, edges = (
        float(data[name].sel(at).isel({dim: (0, head("syntax"))[dim == "head"] for dim in dims}))
        for name, dims in (
            ("relation_accuracy", ("layer", "head")), ("relation_baseline", ()), ("relation_class_baseline", ()),
            ("relation_edges_attainable", ()),
        )
    )  # fmt: skip
    first, second = told("syntax")
    assert first[0] == "Looks from a subject (nsubj: “crew” in “The crew took four boats”) to its head word"
    assert first[1].startswith(f"{percent(score)} of {edges:,.0f} edges")
    assert first[1].endswith(f"; best word offset {percent(chance)}, nearest noun before {percent(nearest)}")
    assert HELD_OUT not in first[1]
    assert ", but nearest " not in first[1]  # it finds more
    assert second[0].startswith("Looks from a determiner (det: ")
    assert told("second sink")[0][0].startswith("Rests on one piece of each sentence, most often “<b>the</b> [red]")
    assert "\x1b" not in told("second sink")[0][0]
    assert told("inactive")[0][0] == "Nearly switched off on this text"


def _found_as_well(data: xr.Dataset, *rels: str) -> xr.Dataset:
    """The same where the nearest noun before finds each of these relations' edges from the dependent."""
    made = data.copy(deep=True)
    for rel in rels:
        made["relation_class_baseline"].loc[{"rule": "row", "rel": rel}] = 1
    return made


def test_a_headline_that_the_nearest_word_finds_as_well_comes_last_and_says_so(
    data: xr.Dataset, frame: pd.DataFrame
) -> None:
    def packed(*rels: str) -> tuple[list[str], list[str]]:
        made = _found_as_well(data, *rels)
        told = pack_roles(made, find_rules(made, [(0.05, frame)]))
        place = head("syntax")
        first_role.append(told["ofHead"][place][0][0])
        return [words for words, _ in told["headlines"][place]], told["claims"][place]

    first_role: list[str] = []

    subject, other = packed()[0]
    assert subject.startswith("Looks from a subject") and other.startswith("Looks from a determiner")
    headlines_, claims = packed("nsubj")
    assert [words.partition(" (")[0] for words in headlines_] == [
        "Looks from a determiner",
        "Looks from an object of a verb",
    ]
    assert claims[:2] == ["relation:det:hit", "dependency:attended_is_parent"]
    assert not [one for one in claims if "nsubj" in one]
    headlines_, claims = packed("nsubj", "det", "obj")
    assert headlines_[0] == "Looks along dependencies (punctuation’s too), more than its distances explain"
    assert first_role == ["syntactic relation", "syntactic relation", "along dependencies"], "maps have its colour"
    assert headlines_[1].startswith("Looks from a subject")
    assert headlines_[1].endswith(" to its head word, no better than taking the nearest noun before")
    assert claims[0] == "dependency:either"


def test_a_relation_by_column_is_told_and_shown_as_what_its_dependents_get(data: xr.Dataset) -> None:
    rule = next(one for one in read_rules(None).roles if one.score.at.get("rule") == "column")
    row = pd.Series({"role": rule.role, "rule": rule, "detail": "case, attending_is_parent", "by": "case, column",
                     "score": 0.7, "low": np.nan, "high": np.nan, "chance": 0.4, "level": "", "cases": "",
                     "nearest": "", "remark": "", "layer": 0, "head": 0})  # fmt: skip
    ((words, number),) = headlines([row], read_rules(None), "sentence", {rule.role})
    assert (
        words == "Attention on a preposition (case: “by” in “a house by the sea”) comes first of all from its head word"
    )
    assert number.startswith("70%")
    assert claims_of_roles(data, [(0.05, pd.DataFrame([row]))]) == {
        ("relation:case:hit", 0, 0), ("dependency_type_to:case", 0, 0), ("dependency:attending_is_parent", 0, 0)
    }  # fmt: skip


def test_of_a_role_what_is_surest_comes_first_though_another_score_is_higher(data: xr.Dataset) -> None:
    few = data.copy()
    few["relation_edges_attainable"] = data["relation_edges_attainable"].copy()
    few["relation_edges_attainable"].loc[{"rel": "nsubj"}] = 40
    few["relation_edges_attainable"].loc[{"rel": "det"}] = 4000
    few["relation_accuracy"] = data["relation_accuracy"].copy()
    few["relation_accuracy"].loc[{"head": head("syntax"), "rule": "row", "rel": "det"}] = 0.95
    frame = roles_frame(read_rules(None), few)
    own = frame[(frame["head"] == head("syntax")) & (frame["role"] == "syntactic relation")]
    scores = own.set_index(own["detail"].str.split(",").str[0])["score"]
    assert scores["nsubj"] > scores["det"] == 0.95
    assert own["detail"].tolist()[0].startswith("det")


def test_a_headline_says_where_the_nearest_word_of_a_class_finds_as_many() -> None:
    cc = Told(
        "syntactic relation: cc",
        "71%",
        "66 to 76%",
        "best word offset",
        "27%",
        "of 402 edges",
        "nearest and 64%",
        "",
        "cc",
    )
    assert number_line(cc) == "71% [66 to 76%] of 402 edges; best word offset 27%, nearest and 64%"
    assert number_line(cc._replace(remark="no better")).endswith("; best word offset 27%, but nearest and 64%")


def test_families_and_nearest_heads_are_tables(frame: pd.DataFrame) -> None:
    families = pd.DataFrame(
        [(0, 0, 0, "previous"), (0, 1, 0, "previous"), (1, 0, 1, "next")], columns=["layer", "head", "family", "name"]
    )
    assert "previous            2   0.0, 0.1" in text(show_families(families))
    assert "like no other       1   1.0" in text(show_families(families))
    near = pd.DataFrame([(0, head("own"), 0.123, 0.4)], columns=["layer", "head", "profile_distance", "head_distance"])
    assert f"layer 0 head {head('own')}          0.12   own piece; position alone" in text(
        show_like(near, with_rules(read_rules(None), Tables.of(planted()), frame))
    )


# ---- the atlas


def test_the_page_holds_roles_sentences_answers_and_like_heads(data: xr.Dataset, frame: pd.DataFrame) -> None:
    packed = pack_roles(data, find_rules(data, [(0.05, frame)]))
    packed["families"], later = packed["families"].content.hex(), json.loads(packed["later"].content)
    packed |= {"later": later}
    json.dumps(packed)
    assert packed["sentences"][head("previous")] == sentences(frame)[0, head("previous")]
    assert "\x1b" not in json.dumps(packed, ensure_ascii=False)
    score = round(frame[frame["role"] == "induction"]["score"].max(), 4)
    assert packed["ofHead"][head("induction")] == [("induction", "induction", score)]
    variability = frame[frame["role"] == "position alone"]["score"].min()
    strengths = [one[2] for own in packed["ofHead"] for one in own if one[0] == "position alone"]
    assert max(strengths) == -round(variability, 4), "the less, the stronger"
    found = {one["key"]: set(one["places"]) for one in packed["questions"]}
    assert found["copying"] == {head("induction"), head("repetition")}
    assert packed["questions"][0]["axes"]["y"] == {"metric": "dependency_excess", "label": "either"}
    assert len(later["near"][0]) == 8
    distances = profile_distances(Tables(data))
    pairs = [distances[one, other] for one in range(len(distances)) for other in range(one)]
    np.testing.assert_allclose(later["apart"], np.nanquantile(pairs, (0.25, 0.5, 0.75)))


def test_the_page_has_the_sentences_that_show_each_role_of_each_head(data: xr.Dataset, frame: pd.DataFrame) -> None:
    found = claims_of_roles(data, find_rules(data, [(0.05, frame), (0.1, frame)]))
    expected = {("induction", 0, head("induction")), ("repeat", 0, head("repetition")),
                ("previous", 0, head("previous")), ("relation:nsubj:hit", 0, head("syntax")),
                ("dependency:attended_is_parent", 0, head("syntax"))}  # fmt: skip
    assert found >= expected
    assert {(layer, one) for _, layer, one in found} <= {*frame[["layer", "head"]].itertuples(index=False, name=None)}
    strongest = exemplars(data, k=2)
    shown = pd.concat([strongest.assign(claim=claim) for claim in ("", "induction", "second_sink")], ignore_index=True)
    page = contents(data, shown, attention(strongest), facts(), roles=[(0.05, frame)])
    claimed = json.loads(page["sentences"]["listed"].content)["claimed"]
    kept = {(claim, layer, one) for claim, layer, one, listed in claimed if len(listed) == 2}
    assert {one for one in found if one[0] in ("induction", "second_sink")} <= kept


def test_a_relation_among_roles_tells_of_how_many_edges_and_what_holds_held_out(
    data: xr.Dataset, frame: pd.DataFrame
) -> None:
    told = json.loads(pack_roles(data, find_rules(data, [(0.05, frame)]))["later"].content)["told"]
    found = {one[8]: one[5] for one in told[head("syntax")] if one[0].startswith("syntactic")}
    at = {"rule": "row", "rel": "nsubj"}
    edges, held_out = (float(data[name].sel(at)) for name in ("relation_edges_attainable", "relation_best_accuracy"))
    assert (data["relation_best_layer"].sel(at), data["relation_best_head"].sel(at)) == (0, head("syntax"))
    assert found["nsubj"] == f"of {edges:.0f} edges; chosen on other documents {percent(held_out)}"
    others = {one[0]: one[5] for own in told for one in own if not one[0].startswith("syntactic")}
    over = {role: f"over {data[name].item():,.0f} {words}" for role, name, words in OVER if name in data}
    assert {role: words for role, words in others.items() if words} == {
        role: words for role, words in over.items() if role in others
    }
    other = data.assign(relation_best_head=data["relation_best_head"] + 1)
    told = json.loads(pack_roles(other, find_rules(other, [(0.05, frame)]))["later"].content)["told"]
    assert f"of {edges:.0f} edges" in [one[5] for one in told[head("syntax")]], "held out is of the best head alone"


@pytest.mark.parametrize("rule", ["parent_row", "column"])
def test_a_role_of_two_rules_is_told_by_the_one_that_gave_it(rule: str) -> None:
    made = dataset(2, 2)
    rel = str(made["rel"].values[0])
    told = made["relation_accuracy"].sel(rule=rule, rel=rel).values
    rows = [
        {
            "layer": layer,
            "head": one,
            "role": "syntactic relation",
            "detail": f"{rel}, attending_is_parent",
            "sentence": "Looks.",
        }
        for layer, one in np.ndindex(told.shape)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).assign(score=told.ravel())
    packed = pack_roles(made, find_rules(made, [(least(made), frame)]))
    assert packed["scores"][1] == [{"metric": "relation_accuracy", "label": f"{rule}, {rel}"}]
    assert [one[1] for one in packed["ofHead"][1]] == [f"syntactic relation: {rel} ({RULES[rule]})"]


def test_a_question_is_asked_in_words_of_what_the_model_may_see(data: xr.Dataset) -> None:
    rules = read_rules(None)
    question = rules.questions["position"]
    assert question_words(data, rules, question).startswith(
        "Heads with the role previous piece (from 50% on), own piece (from 50% on) or position alone, and not"
    ), "a model that looks back sees no next piece"
    assert rules_told(data, rules, question)[:2] == [
        "previous piece: attention to the previous piece at least 40% and 2 times its chance level (even attention to "
        "the previous piece)",
        "own piece: attention to the current piece at least 40% and 2 times its chance level (even attention to the "
        "current piece)",
    ]
    ahead = data.assign(neighbour_attention_uniform=data["neighbour_attention_uniform"].fillna(0.1))
    assert "next piece (from 50% on)" in question_words(ahead, rules, question)


def test_a_map_has_the_score_of_a_role_where_all_its_heads_have_one(data: xr.Dataset, frame: pd.DataFrame) -> None:
    known = {one["name"]: one["score"] for one in pack_roles(data, find_rules(data, [(least(data), frame)]))["known"]}
    assert known["induction"] == {"metric": "induction_attention", "label": ""}
    assert known["part of speech"] == {"metric": "pos_to", "label": "DET"}
    assert known["syntactic relation"] is None, "by three relations"


def test_the_number_of_tries_is_that_of_rules_and_labels(data: xr.Dataset) -> None:
    rules, tables = read_rules(None), Tables(data)
    plain = sum(one.each is None and one.when is not None for one in rules.roles)
    of = {dim: len({*map(str, data[dim].values)} - {*skip}) for dim, skip in SKIPPED.items()}
    assert tried(rules, tables) == plain + 3 * of["rel"] + of["pos"]


def test_a_miss_has_a_minus_before_numbers_alone(
    data: xr.Dataset, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = data.assign(dependency_excess=data["dependency_excess"].assign_attrs(heading="Left-over: {}"))
    rule = next(one for one in read_rules(None).roles if one.role == "along dependencies")
    ask = Ask(Term(result="dependency_excess", at={"direction": "either"}), "low", -0.02, 0.02, np.nan)
    found = {(0, 0): [Miss(rule, "", 0.2, 0.1, [ask])]}
    monkeypatch.setattr("attnmetrics.views.misses.misses", lambda *_: found)
    [(_, words, _)] = misses_told(read_rules(None), Tables(made), frame)[0]
    low = "the lower end of the interval −2.0% where it asks for 2.0%"
    assert words == f"20% (its distances alone 10%); left-over: either direction {low}"


def test_a_miss_has_the_interval_of_each_score(
    data: xr.Dataset, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = next(one for one in read_rules(None).roles if one.role == "along dependencies")
    excess = Term(result="dependency_excess", at={"direction": "either"})
    own = Ask(rule.score, "score", 0.2, 0.25, 0.1, bounds=(0.18, 0.22))
    further = Ask(excess, "score", 0.01, 0.05, np.nan, bounds=(-0.02, 0.04))
    misses = [Miss(rule, "", 0.2, 0.1, [own, further], (0.18, 0.22)), Miss(rule, "", 0.2, 0.1, [further], (0.18, 0.22))]
    monkeypatch.setattr("attnmetrics.views.misses.misses", lambda *_: {(0, 0): misses})
    both, one = (words for _, words, _ in misses_told(read_rules(None), Tables(data), frame)[0])
    asked = "1% [−2 to 4%] where it asks for 5.0%"
    assert both.startswith("20% [18 to 22%] where the rule asks for 25% (its distances alone 10%); ")
    assert one.startswith("20% [18 to 22%] (its distances alone 10%); ")
    assert both.endswith(asked) and one.endswith(asked)


def test_relations_that_are_missed_come_first_where_the_nearest_word_finds_fewer(
    data: xr.Dataset, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    along, row = (next(one for one in read_rules(None).roles if one.score.result == f"{name}")
                  for name in ("dependency_alignment", "relation_accuracy"))  # fmt: skip
    nearest = float(data["relation_class_baseline"].sel(rule="row", rel="nsubj"))
    for score, is_first in ((nearest + 0.01, True), (nearest, False)):
        ask = Ask(row.score, "score", score, 0.9, 0.1)
        found = [Miss(along, "", 0.2, 0.1, [ask]), Miss(row, "nsubj", score, 0.1, [ask])]
        monkeypatch.setattr("attnmetrics.views.misses.misses", lambda *_, found=found: {(0, 0): found})
        labels = [label for _, _, label in misses_told(read_rules(None), Tables(data), frame)[0]]
        assert labels == (["nsubj", ""] if is_first else ["", "nsubj"])
        near = near_answers(read_rules(None), Tables(data), frame)
        assert near == ({"syntax": [(0, 0)]} if is_first else {}), "it does not answer, but nearly"
        [syntax, *_] = pack_roles(data, find_rules(data, [(0.05, frame)]))["questions"]
        assert (syntax["key"], syntax["near"]) == ("syntax", [0] if is_first else [])


@pytest.fixture(scope="module")
def html(data: xr.Dataset, frame: pd.DataFrame) -> str:
    made = exemplars(data)
    shown = made[made["head"] == head("previous")].head(1).assign(claim="previous")
    made = pd.concat([made, shown, made.assign(bucket="80-100")], ignore_index=True)
    return render(data, made, attention(made), facts(), roles=roles_by_evidence(data, frame, None))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with chromium() as browser:
        made = Desk(browser, tmp_path_factory.mktemp("roles"))
        yield made
        made.check()
        made.close()


@pytest.fixture(scope="module")
def page(desk: Desk, html: str) -> Page:
    return desk.open(html, 1200, 900)


@needs_chromium
def test_the_first_picture_reads_no_array(desk: Desk, html: str) -> None:
    """Arrays are zeros until the page is read: of a page that never is, all that is drawn is as it should be."""
    whole = desk.open(html, 1200, 900)
    visit(whole, "#/run")
    visit(whole, "#/")
    unread = desk.open(re.sub(r'(id="heap">)[^<]*', r"\1", html), 1200, 900)
    expect(unread.locator("[data-later]")).to_have_count(2)
    drawn = ["header", ".page-top", ".page > .help", ".board-tabs", ".board-legend", ".map-host", ".does", ".answers"]
    for part in drawn:
        seen, expected = (one.locator(part).first.inner_html() for one in (unread, whole))
        assert seen == expected, part
    unread.evaluate("location.hash = '#/run'")
    assert [one.locator("main").get_attribute("inert") for one in (unread, whole)] == ["", None]
    expect(unread.locator("h1")).to_have_text("demo")  # an address waits too
    assert {*desk.complaints} == {"Failed to fetch"}, "of the heap that is none"
    desk.complaints.clear()


@needs_chromium
def test_the_overview_begins_with_a_map_of_what_heads_do(page: Page, frame: pd.DataFrame) -> None:
    page.evaluate("location.hash = '#/'")
    expect(page.locator("section h2").first).to_have_text("What each head does")
    expect(page.locator(".board-map .role-cells")).to_have_count(len(HEADS))  # each has a first role of its own
    cells = page.locator(".board-map .role-cells[data-role='nearly switched off'] path").first.bounding_box()
    assert cells is not None
    card, here = page.locator(".board-card"), (cells["x"] + 5, cells["y"] + 5)
    page.mouse.move(*here)
    expect(card.locator(".does")).to_have_text(sentences(frame)[0, head("inactive")])
    page.mouse.click(*here)
    page.mouse.move(1, 1)
    expect(card.locator(".does")).to_have_text(sentences(frame)[0, head("inactive")])  # a click keeps it
    assert page.evaluate("location.hash") == f"#/?head=0.{head('inactive')}"
    page.mouse.dblclick(*here)
    expect(page.locator("h1")).to_have_text(f"Layer 0 head {head('inactive')}")
    expect(page.locator(".does")).to_have_text(sentences(frame)[0, head("inactive")])


@needs_chromium
def test_heads_that_follow_syntax_are_told_beside_the_nearest_word(page: Page, named: pd.DataFrame) -> None:
    page.evaluate("location.hash = '#/'")
    listed = page.locator("[data-question=syntax]")
    expect(listed.locator("p")).to_have_text(
        [
            re.compile("^Heads with"),
            f"1 head; {BY_NEAREST}.",
            "Better than the nearest word of any class too 1 head",
        ]
    )
    expect(listed.locator(".members a")).to_have_text([f"0.{head('syntax')}"])
    page.evaluate("location.hash = '#/find?q=syntax'")
    expect(page.locator("th.group")).to_have_text(["Better than the nearest word of any class too"])
    relations = named[(named["head"] == head("syntax")) & (named["role"] == "syntactic relation")]
    better = relations[relations["remark"] == ""].iloc[0]
    why = page.locator(".why")
    expect(why).to_contain_text(f"syntactic relation: {better.detail.partition(',')[0]}")
    expect(why).to_contain_text(f"simpler rule: {better.nearest}")
    expect(page.locator(".no-better")).to_have_count(0)


@needs_chromium
def test_a_click_draws_no_ring_about_the_map_and_the_keyboard_does(page: Page) -> None:
    page.evaluate("location.hash = '#/'")
    page.locator(".board-map").click(position={"x": 50, "y": 30})
    ring = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate("document.activeElement.matches('.board-map')")
    assert page.evaluate(ring) == "none"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.board-map')")
    assert page.evaluate(ring) == "solid"


@needs_chromium
def test_a_finger_is_told_to_tap(page: Page) -> None:
    page.evaluate("[window.known, window.matchMedia] = [matchMedia, ask => ({matches: ask === '(hover: none)'})]")
    page.evaluate("location.hash = '#/?head=0.1'")
    expect(page.locator("section .help").first).to_have_text(re.compile("^Tap a head"))
    page.evaluate("window.matchMedia = window.known; location.hash = '#/'")
    expect(page.locator("section .help").first).to_have_text(re.compile("^Point at a head"))


@needs_chromium
def test_a_head_opens_on_sentences_that_show_what_it_does(page: Page) -> None:
    tabs = {f"0/{head('previous')}": "To the previous piece", f"0/{head('inactive')}": "Typical"}
    tabs |= {f"0/{head('previous')}/1": "Strongest", f"0/{head('previous')}?sentences=typical": "Typical"}
    for address, name in tabs.items():
        page.evaluate(f"location.hash = '#/head/{address}'")
        expect(page.locator("#sentences [aria-selected=true]")).to_have_text(name)


@needs_chromium
def test_a_head_leads_to_what_guards_its_roles_against_luck(page: Page) -> None:
    page.evaluate(f"location.hash = '#/head/0/{head('previous')}'")
    page.get_by_role("link", name="what guards against it").click()
    expect(page.locator(".luck.chosen")).to_be_in_viewport()


@needs_chromium
def test_a_score_over_some_rows_is_told_from_what_all_leave_off_null_pieces(page: Page, data: xr.Dataset) -> None:
    page.evaluate(f"location.hash = '#/head/0/{head('induction')}'")
    even = percent(float(data["induction_attention_uniform"]))
    share = percent(1 - float(data["null_attention"].sel(layer=0, head=head("induction"))))
    expect(page.locator(".does + .of-what")).to_have_text(
        f"{share} of its attention is off null pieces, over all rows; shares “of it” are of that {share}."
    )
    linked = page.locator(".head-screen > div > .note", has_text="“Attention to linked pieces: ")
    even_told = f"Its even attention is {even} of what is off null pieces, here {share}."
    expect(linked).to_contain_text(f"more off null pieces than all. {even_told}")
    page.evaluate(f"location.hash = '#/head/0/{head('previous')}'")
    expect(linked).to_have_count(0)


@needs_chromium
def test_the_map_of_roles_is_saved_with_words_of_its_own(page: Page, tmp_path: Path) -> None:
    page.evaluate("location.hash = '#/'")
    drawn = save(page.locator("section", has_text="What each head does").get_by_role("button", name="SVG"), tmp_path)
    words = drawn.read_text(encoding="utf-8")
    assert "describing/rules.yaml" in words
    assert not any(told in words for told in ("Numbers: heads", "Arrow keys", "tabindex"))


@needs_chromium
def test_a_role_of_several_scores_shows_all_its_heads_on_the_map_of_roles(page: Page, frame: pd.DataFrame) -> None:
    page.evaluate("location.hash = '#/'")
    page.locator(".board-tabs button", has_text="syntactic relation").click()
    assert page.evaluate("location.hash") == "#/?role=syntactic+relation"
    having = frame.loc[frame["role"] == "syntactic relation", "head"].unique()
    expect(page.locator(".role-held path")).to_have_count(len(having))
    expect(page.locator(".board-legend")).to_contain_text("the heads that have this role")
    expect(page.locator(".of-ranks")).to_have_text(
        f"Ranks leave out the 1 head nearly switched off (those of all {len(HEADS)} do not), and go by the points "
        "beyond chance where they are told."
    )
    expect(page.locator(".luck")).to_contain_text(f"each of {len(HEADS)} heads, one for each")
    expect(page.locator(".luck")).to_contain_text("not against simpler rules such as the nearest word")


@needs_chromium
def test_a_colour_of_the_map_is_singled_out_and_leads_to_the_map_of_what_makes_it(page: Page) -> None:
    page.evaluate("location.hash = '#/'")
    button = page.locator(".board-tabs button", has_text="induction")
    button.hover()
    expect(page.locator(".role-cells.pale")).to_have_count(len(HEADS))
    expect(page.locator(".role-held path")).to_have_count(1)
    expect(page.locator(".role-held path")).to_have_attribute("data-place", str(head("induction")))
    button.click()
    expect(page.locator(".board-tabs button[aria-pressed=true]")).to_contain_text("induction")
    expect(page.locator(".board-legend")).to_contain_text("what followed the same piece before")
    assert page.evaluate("location.hash") == "#/?map=induction_attention"
    expect(page.locator(".board-map .held")).to_have_count(1)
    expect(page.locator(".board .members a")).to_have_text([f"0.{head('induction')}"])
    told = page.locator(".board-card tr").first
    expect(told).to_have_attribute("data-metric", "induction_attention")
    page.locator(".board-map").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".board-card h3")).to_have_text("Layer 0 head 1")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Layer 0 head 1")


@needs_chromium
def test_questions_are_answered_on_the_overview_and_in_the_finder(page: Page, frame: pd.DataFrame) -> None:
    page.evaluate("location.hash = '#/'")
    copying = page.locator("[data-question=copying]")
    expect(copying.locator(".members a")).to_have_count(2)
    assert set(copying.locator(".members a").all_inner_texts()) == {
        f"0.{head(one)}" for one in ("induction", "repetition")
    }
    expect(copying.locator("p.note")).to_have_text("Heads with the role induction or repeated piece.")
    in_order = [f"layer {one.replace('.', ' head ')}" for one in copying.locator(".members a").all_inner_texts()]
    copying.locator("b a").click()
    expect(page.locator("h1")).to_have_text("Find heads")
    expect(page.locator(".presets button[aria-pressed=true]")).to_have_text("Which copy?")
    expect(page.locator(".ranked tbody th a")).to_have_text(in_order)
    expect(page.locator(".rule p")).to_contain_text("Heads with the role induction or repeated piece.")
    expect(page.locator(".rule p")).to_contain_text("the head's page lists all its roles by rule")
    rule = page.locator(".rule li").first
    expect(rule).to_have_text(re.compile("^induction: .* at least 10% and 4 times its chance level"))
    above = (frame["score"] - frame["chance"])[frame["role"].isin(["induction", "repeated piece"])]
    first = frame.loc[above.idxmax()]
    score, chance = percent(first["score"]), percent(first["chance"])
    why = f"layer 0 head {first['head']}{first['role']} {score}, even attention {chance}"
    expect(page.locator(".ranked tbody th").first).to_contain_text(why)
    assert page.get_by_label("List").evaluate("menu => menu.selectedOptions[0].text") == "clearest by the rule"
    page.get_by_label("Show", exact=True).select_option("entropy")
    expect(page.locator(".ranked tbody th a")).to_have_text(in_order)  # what is drawn is not what orders
    page.get_by_label("List").select_option("highest")
    assert "order=highest" in page.evaluate("location.hash")
    page.locator(".presets button[aria-pressed=true]").click()
    expect(page.locator(".ranked tbody tr")).to_have_count(len(HEADS))
    page.evaluate("location.hash = '#/head/0/0'")
    like = page.locator("section", has_text="Heads like this one")
    expect(like.locator("li")).to_have_count(8)
    expect(like.locator(".help")).to_have_text(re.compile(r"Two heads drawn at random: 0\.\d\d \(median\)\.$"))


def test_roles_follow_the_evidence_that_is_asked_for(data: xr.Dataset) -> None:
    """Each table is what all rules say with that share, though only heads that change are asked again."""
    usual = roles_frame(read_rules(None), data)
    found = roles_by_evidence(data, usual, None)
    assert [share for share, _ in found] == [0, 0.01, 0.02, 0.05, 0.1, 0.2]
    for share, frame in found:
        whole = roles_frame(with_evidence(read_rules(None), share), data)
        pd.testing.assert_frame_equal(frame, whole)
    off = [set(frame.query("role == 'nearly switched off'")["head"]) for _, frame in found]
    assert off[0] == set()
    assert off[-1] == {head("inactive"), head("first piece")}


@needs_chromium
def test_a_head_is_told_what_it_only_just_misses_and_what_its_numbers_are_by_chance(
    page: Page, data: xr.Dataset, frame: pd.DataFrame
) -> None:
    told = json.loads(pack_roles(data, find_rules(data, [(0.05, frame)]))["later"].content)
    place = next(place for place, own in enumerate(told["misses"]) if own)
    page.evaluate(f"location.hash = '#/head/0/{place}'")
    role, reached, _ = told["misses"][place][0]
    assert " where the rule asks for " in reached
    expect(page.locator("p.missed")).to_contain_text(f"Not quite: {role}, {reached}")
    held, below = told["told"][place], told["besides"][place]
    assert held and below
    rows = [row[0] for row in held]
    expect(page.locator(".role-scores tbody th")).to_have_text(rows[:3])
    levels = [f"{row[3]} {row[4]}simpler rule: {row[6]}" for row in held]
    expect(page.locator(".role-scores tbody td:last-child")).to_have_text(levels[:3])
    expect(page.locator(".role-scores .cases")).to_have_text([row[5] for row in held[:3] if row[5]])
    page.get_by_role("button", name=re.compile(f"{len(below)} scores? below")).click()
    heading = "told in its sentence, but below the rule of the role"
    short = [f"{row[0]} {row[9]}" for row in below]
    expect(page.locator(".role-scores tbody th")).to_have_text([*rows, heading, *short])
    lines = pack_roles(data, find_rules(data, [(0.05, frame)]))["headlines"]
    for address in (f"#/head/0/{head('syntax')}", f"#/?head=0.{head('syntax')}"):
        page.evaluate(f"location.hash = '{address}'")
        said = [" ".join(line) for line in lines[head("syntax")]]
        expect(page.locator(".headlines li")).to_have_text(said)
    page.evaluate(f"location.hash = '#/head/0/{head('previous')}'")
    alone = page.locator(".role-scores tr", has_text="position alone")
    expect(alone.locator("td:last-child")).to_have_text("none: its rule asks for a fixed limit")


def test_a_score_below_its_rule_is_told_with_what_the_rule_asks_for(data: xr.Dataset, frame: pd.DataFrame) -> None:
    besides = json.loads(pack_roles(data, find_rules(data, [(0.05, frame)]))["later"].content)["besides"]
    asked = {name: [(row[0], row[9]) for row in besides[head(name)]] for name in ("syntax", "own", "inactive")}
    assert asked["syntax"] == [("second sink", "below its rule: 35%"), ("first piece", "below its rule: 50%")]
    assert asked["own"] == [("first piece", "below its rule: 50%")]
    assert asked["inactive"] == [], "95% on the first piece is no less than the rule asks for"


@needs_chromium
def test_a_relation_names_the_heads_whose_role_it_is(page: Page) -> None:
    page.evaluate("location.hash = '#/relation/nsubj'")
    expect(page.locator(".role-of .members a")).to_have_text([f"0.{head('syntax')}"])


@needs_chromium
def test_the_address_holds_the_evidence_and_all_roles_follow_it(page: Page) -> None:
    page.evaluate("location.hash = '#/'")
    off = page.locator("[data-question=inactive] .members a")
    expect(off).to_have_text([f"0.{head('inactive')}"])
    page.locator(".evidence select").first.select_option("0.2")
    both = [f"0.{head(one)}" for one in ("inactive", "first piece")]
    expect(off).to_have_count(2)
    assert set(off.all_inner_texts()) == set(both)
    assert page.evaluate("location.hash") == "#/?evidence=0.2"
    off.filter(has_text=both[1]).click()
    expect(page.locator(".does")).to_contain_text("Nearly switched off on this text")
    assert page.evaluate("location.hash") == f"#/head/0/{head('first piece')}?evidence=0.2"
    page.go_back()
    page.go_back()
    expect(off).to_have_count(1)
    page.evaluate("location.hash = '#/find?q=inactive&evidence=0.2'")
    expect(page.locator(".presets button[aria-pressed=true]")).to_have_text("Which are switched off?")
    assert page.evaluate("location.hash").endswith("evidence=0.2"), "the finder writes its own address"
    page.evaluate("location.hash = '#/?evidence=7'")
    expect(off).to_have_count(1)


# ---- a run


def test_a_run_has_its_roles_in_a_file_by_name_and_by_rules(demo_run: Path, tmp_path: Path) -> None:
    found = attnmetrics.roles(demo_run)
    assert found.groupby(["layer", "head"])["sentence"].first().str.endswith(".").all()
    assert len(found.groupby(["layer", "head"])) == 36
    pd.testing.assert_frame_equal(pd.read_parquet(demo_run / "roles.parquet"), found, check_dtype=False)
    previous = attnmetrics.roles(demo_run, role="previous piece")
    assert (previous["layer"].iloc[0], previous["head"].iloc[0]) == (0, 0)
    assert set(attnmetrics.roles(demo_run, question="copying")["role"]) <= {"induction", "repeated piece"}
    file = tmp_path / "rules.yaml"
    file.write_text("roles: [{role: far, score: {result: distance}, when: {at_least: 8}}]")
    far = attnmetrics.roles(demo_run, rules=file, role="far")
    distance = attnmetrics.load(demo_run)["distance"]
    assert len(far) == int((distance >= 8).sum()) > 0
    near = attnmetrics.nearest_heads(demo_run, 0, 0, number=3)
    assert len(near) == 3 and near["head_distance"].notna().all()
    assert len(attnmetrics.families(demo_run)) == 36


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 0, "Which are only position?"),
        (("--question", "syntax", "--sentences", "--top", "1"), 0, "Which heads follow syntax?"),
        (("--role", "own piece"), 0, "Own piece"),
        (("--question", "inactive", "--evidence", "0.5"), 0, "nearly switched off   "),
        (("--families",), 0, "family"),
        (("--role", "nothing"), 1, "expected a role of the rules, found 'nothing'"),
        (("--role", "own piece", "--families"), 1, "give one of --question, --role, --families"),
        (("--rules", "none.yaml"), 1, "cannot read"),
    ],
)
def test_the_command_lists_heads(
    arguments: tuple[str, ...], code: int, said: str, demo_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["roles", str(demo_run), *arguments])
    caught = capsys.readouterr()
    assert ended.value.code == code
    assert said in caught.out + caught.err


def test_the_profile_of_a_head_begins_with_its_sentence(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show", str(demo_run), "--layer", "0", "--head", "0"])
    out = " ".join(capsys.readouterr().out.split())
    said: Callable[[int, int], str] = lambda layer, number: sentences(attnmetrics.roles(demo_run))[layer, number]  # noqa: E731
    assert said(0, 0) in out


def test_other_evidence_finds_other_roles_of_a_run(demo_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    share = values(evidence(attnmetrics.load(demo_run)))
    layer, number = np.unravel_index(int(share.argmin()), share.shape)
    more = str(round(float(share.min()) + 0.01, 3))
    with pytest.raises(SystemExit):
        main(["show", str(demo_run), "--layer", str(layer), "--head", str(number), "--evidence", more])
    assert "Nearly switched off on this text" in capsys.readouterr().out
    asked = dict(page_roles(locate(demo_run), with_least(attnmetrics.load(demo_run), float(more))))
    pd.testing.assert_frame_equal(asked[0.05], attnmetrics.roles(demo_run))
    pd.testing.assert_frame_equal(asked[float(more)], attnmetrics.roles(demo_run, evidence=float(more)))
