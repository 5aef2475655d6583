"""Heads whose attention is planted have the roles that they should, and no other."""

import pandas as pd
import pytest
import xarray as xr
from planted import HEADS, head, planted

from attnmetrics.describing.frame import roles_frame, sentences
from attnmetrics.describing.questions import answer, answers, of_role
from attnmetrics.describing.rules import read_rules
from attnmetrics.errors import ConfigError

TO_PARENT = ("nsubj, attended_is_parent", "det, attended_is_parent", "obj, attended_is_parent")
ROLES = {
    "previous": [("previous piece", ""), ("position alone", "")],
    "own": [("own piece", ""), ("position alone", "")],
    "position": [("position alone", "")],
    "syntax": [*(("syntactic relation", detail) for detail in TO_PARENT), ("along dependencies", "")],
    "second sink": [("second sink", "the")],
    "inactive": [("nearly switched off", "")],
    "induction": [("induction", "")],
    "repetition": [("repeated piece", "")],
    "determiners": [("part of speech", "DET")],
    "first piece": [("first piece", "")],
    "broad": [("broad", "")],
}
REST = "Rests {} on the first piece; the rest"
FAR = "is spread over the sentence, {} pieces away on average."
BY_POSITION = "Where it looks depends on position, hardly on the words (variability 0.00; median head 0.00)."
SENTENCES = {
    "previous": f"{REST.format('12%')} goes to the previous piece (100% of it; median head 14%). {BY_POSITION}",
    "own": f"{REST.format('6%')} goes to the attending piece itself (100% of it; median head 16%). {BY_POSITION}",
    "position": f"{REST.format('24%')} {FAR.format(2.5)} {BY_POSITION}",
    "syntax": f"{REST.format('42%')} {FAR.format(5.4)} From nsubj (100% of edges), det (100% of edges) and obj (100% "
    "of edges), of all other words it looks most at the head word. Along dependencies goes 100% of its attention off "
    "null pieces, where its distances alone would give 13%.",
    "second sink": f"{REST.format('26%')} goes to one piece of each sentence, whichever that is (100% of it; even "
    "attention 15%), a second sink (most often “the”).",
    "inactive": "Nearly switched off on this text: rests 95% on the first piece, and all else comes from the remaining "
    "5% (that by itself looks like own piece and position alone).",
    "induction": f"{REST.format('19%')} {FAR.format(4.1)} Of the attention of a piece that came before, 82% goes "
    "to what followed it then (induction; even attention 9%).",
    "repetition": f"{REST.format('19%')} {FAR.format(4.2)} Of the attention of a piece that came before, 82% goes "
    "to where it did (even attention 9%).",
    "determiners": f"{REST.format('12%')} goes to determiners (81% of it, 2.2 times even attention).",
    "first piece": f"{REST.format('84%')} {FAR.format('4.0')}",
    "broad": f"{REST.format('20%')} is spread almost evenly over the sentence (entropy 2.0 of 2.0 nats).",
}


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return planted()


@pytest.fixture(scope="module")
def frame(data: xr.Dataset) -> pd.DataFrame:
    return roles_frame(read_rules(None), data, pieces={(0, head("second sink")): ("the",)})


def of_head(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame[frame["head"] == head(name)]


@pytest.mark.parametrize("name", HEADS)
def test_a_planted_head_has_its_roles_and_no_other(name: str, frame: pd.DataFrame) -> None:
    own = of_head(frame, name)
    assert sorted(zip(own["role"], own["detail"], strict=True)) == sorted(ROLES[name])


@pytest.mark.parametrize("name", HEADS)
def test_a_planted_head_is_told_in_a_sentence_and_nothing_else(name: str, frame: pd.DataFrame) -> None:
    assert sentences(frame)[0, head(name)] == SENTENCES[name]


def test_pure_position_has_no_excess_and_pure_syntax_all_of_it(data: xr.Dataset, frame: pd.DataFrame) -> None:
    own = data.sel(direction="either", layer=0)
    assert abs(float(own["dependency_excess"][head("previous")])) < 1e-12
    expected = float(own["dependency_expected"][head("syntax")])
    assert float(own["dependency_excess"][head("syntax")]) == pytest.approx(1 - expected)
    (row,) = of_head(frame, "syntax").query("role == 'along dependencies'").itertuples()
    assert (row.score, row.chance) == pytest.approx((1, expected))
    assert row.evidence == pytest.approx(1 - float(own["null_attention"][head("syntax")]))


def test_what_a_role_contradicts_is_named(frame: pd.DataFrame) -> None:
    assert list(of_head(frame, "second sink")["contradicts"]) == ["part of speech: DET"]
    assert list(of_head(frame, "inactive")["contradicts"]) == ["own piece; position alone"]
    assert set(of_head(frame, "previous")["contradicts"]) == {""}


def test_a_sink_at_no_piece_is_none(data: xr.Dataset) -> None:
    """Where it is known which types heads attend to most, and of this head none is."""
    frame = roles_frame(read_rules(None), data, pieces={})
    assert list(of_head(frame, "second sink")[["role", "detail"]].itertuples(index=False, name=None)) == [
        ("part of speech", "DET")
    ]


def test_questions_have_right_answers(frame: pd.DataFrame) -> None:
    found = {
        one.key: {name for name in HEADS if (0, head(name)) in one.heads} for one in answers(read_rules(None), frame)
    }
    assert found == {
        "syntax": {"syntax"},
        "position": {"previous", "own", "position"},
        "inactive": {"inactive"},
        "copying": {"induction", "repetition"},
    }


def test_heads_that_are_switched_off_are_named_apart(frame: pd.DataFrame) -> None:
    """By what is left of its attention, the one that is off looks at its own piece."""
    assert answer(read_rules(None), frame, "position").barred == ((0, head("inactive")),)
    assert answer(read_rules(None), frame, "copying").barred == ()


def test_an_answer_has_the_sentence_of_each_head_once(frame: pd.DataFrame) -> None:
    rows = answer(read_rules(None), frame, "syntax").rows
    assert list(rows["sentence"]) == [sentences(frame)[0, head("syntax")], "", "", ""]


def test_heads_of_a_role_and_of_its_detail(frame: pd.DataFrame) -> None:
    rules = read_rules(None)
    assert of_role(rules, frame, "part of speech").heads == [(0, head("determiners"))]
    assert of_role(rules, frame, "part of speech: NOUN").heads == []
    with pytest.raises(ConfigError, match="found 'prevoius'; they have nearly switched off, "):
        of_role(rules, frame, "prevoius")
    with pytest.raises(ConfigError, match="expected a question of the rules, found 'why'; they have syntax, "):
        answer(rules, frame, "why")
