"""Rules that heads only just miss, in words: what a head reaches, and what the rule asks for instead."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from attnmetrics.describing.finding import Finding, Place, find
from attnmetrics.describing.misses import Ask, Miss, asks_of, misses
from attnmetrics.describing.origin import detail_by_rule
from attnmetrics.describing.questions import answer
from attnmetrics.describing.rules import Rules
from attnmetrics.describing.tables import Tables
from attnmetrics.views.certainty import bear
from attnmetrics.views.pieces import visible
from attnmetrics.views.role_evidence import RoleEvidence
from attnmetrics.views.roles import finding_told, level_name, role_name
from attnmetrics.views.rule_words import name_of
from attnmetrics.views.tables import shown
from attnmetrics.views.word_classes import NearestWords

_TENTHS: Final = "{:.1%}"
"""How shares are written that whole percents do not tell apart."""

MissTold = tuple[str, str, str]
"""(the role in words, what the head reaches and is asked for, the label of the role's detail)"""


def misses_told(rules: Rules, tables: Tables, frame: pd.DataFrame) -> list[list[MissTold]]:
    """Of each head, layer by layer, the rules that it only just misses: relations that it finds better than the nearest
    word of a class, then the others, each the nearest first.

    Example: [("syntactic relation: nsubj (the head word looks most at its dependent)", "63% [58 to 68%] where the rule
    asks for 69% (best word offset 44%, nearest verb before 52%)", "nsubj")].
    """
    found, nearest = misses(rules, tables, _held(tables, frame)), NearestWords(tables.data)
    every = np.ndindex(len(tables.layers), len(tables.heads))
    in_order = [sorted(found.get(place, ()), key=lambda one: not _beats(nearest, one)) for place in every]
    return [[_miss(tables.data, one, nearest) for one in own] for own in in_order]


def near_answers(rules: Rules, tables: Tables, frame: pd.DataFrame) -> dict[str, list[tuple[int, int]]]:
    """Of each question, (layer, head) of those that do not answer it, for they only just miss the score that a rule of
    relations asks for, and nothing else, but find the relation better than the nearest word of a class; questions
    without any are left out.
    """
    found, nearest = misses(rules, tables, _held(tables, frame)), NearestWords(tables.data)
    beating = [
        (*place, one.rule.role)
        for place, own in found.items()
        for one in own
        if _beats(nearest, one) and all(ask.term == one.rule.score for ask in one.asks)
    ]
    near: dict[str, list[tuple[int, int]]] = {}
    for key, question in rules.questions.items():
        answering = answer(rules, frame, key).heads if beating else []
        heads = [(tables.layers[layer], tables.heads[head]) for layer, head, role in beating if role in question.roles]
        near[key] = sorted({*heads} - {*answering})
    return {key: heads for key, heads in near.items() if heads}


def _beats(nearest: NearestWords, one: Miss) -> bool:
    """Whether a head finds more of a relation than the nearest word of a class."""
    beside = nearest.beside(one.rule, one.label)
    return beside is not None and not beside.remark(one.score, one.bounds[0])


def _held(tables: Tables, frame: pd.DataFrame) -> dict[Place, list[tuple[str, str]]]:
    """(role, detail) of each head's roles."""
    layers, heads = ({name: n for n, name in enumerate(names)} for names in (tables.layers, tables.heads))
    groups = frame[frame["role"] != ""].groupby(["layer", "head"])
    return {
        (layers[int(key[0])], heads[int(key[1])]): list(zip(own["role"], own["detail"], strict=True))
        for key, own in groups
    }


def said_besides(rules: Rules, tables: Tables) -> list[list[tuple[str, ...]]]:
    """Of each head, layer by layer, the scores that its sentence tells of and that are below the rule of their role,
    each with what that asks for: "below its rule: 20%".
    """
    found, evidence, nearest = find(rules, tables).of_head, RoleEvidence(tables), NearestWords(tables.data)
    every = np.ndindex(len(tables.layers), len(tables.heads))
    asks = cache(lambda n, label: asks_of(rules.roles[n], label, tables))

    def told(one: Finding, layer: int, head: int) -> list[tuple[str, ...]]:
        lacks = asks(rules.roles.index(one.rule), one.label)((layer, head))
        cases = evidence.told(one.rule, one.label, tables.layers[layer], tables.heads[head])
        beside = nearest.beside(one.rule, one.label)
        return [(*finding_told(tables.data, one, cases, beside), _below(tables.data, one, ask)) for ask in lacks[:1]]

    return [[row for one in found[place] if _has_no_role(one) for row in told(one, *place)] for place in every]


def _below(data: xr.Dataset, one: Finding, ask: Ask) -> str:
    """What a rule asks for, in few words: "below its rule: 20%"; no number where another score is short."""
    if ask.term != one.rule.score:
        return "below its rule"
    _, asked = _apart(data[ask.term.result], ask.found, ask.asked)
    return f"below its rule: {'interval from ' if ask.of == 'low' else ''}{asked}"


def _has_no_role(one: Finding) -> bool:
    return not one.held and one.rule.when is not None and not np.isnan(one.chance)


def _miss(data: xr.Dataset, one: Miss, nearest: NearestWords) -> MissTold:
    own = [ask for ask in one.asks if ask.term == one.rule.score]
    others = [ask for ask in one.asks if ask.term != one.rule.score]
    table = data[one.rule.score.result]
    alone = "".join(_borne(table, one.score, one.bounds))
    reached = [_asked(data, ask, "the rule asks") for ask in own] or [alone]
    beside = nearest.beside(one.rule, one.label)
    level = "" if np.isnan(one.chance) else f"{level_name(data, one.rule)} {_shown(table, one.chance)}"
    levels = ", ".join(filter(None, [level, beside.told if beside else ""]))
    chance = f" ({levels})" if levels else ""
    further = [f"{name_of(data, ask.term)} {_asked(data, ask, 'it asks')}" for ask in others]
    words = "; ".join([reached[0] + chance, *reached[1:], *further])
    return role_name(one.rule.role, detail_by_rule(one.rule, one.detail)), words, visible(one.label)


def _asked(data: xr.Dataset, ask: Ask, asks: str) -> str:
    """What is found and what is asked for: "63% [58 to 68%] where the rule asks for 69%"."""
    table = data[ask.term.result]
    found, asked = _apart(table, ask.found, ask.asked)
    if ask.of == "low":
        return f"the lower end of the interval {found} where {asks} for {asked}"
    borne, interval = _borne(table, ask.found, ask.bounds)
    reached = found if borne == asked or not interval else borne
    return f"{reached}{interval} where {asks} for {'at most ' if ask.at_most else ''}{asked}"


def _borne(table: xr.DataArray, value: float, bounds: tuple[float, float]) -> tuple[str, str]:
    """A value to the digit that its interval bears, and that in brackets; "" without one."""
    if np.isnan(bounds).any():
        return _shown(table, value), ""
    told, interval = (text.replace("-", "−") for text in bear(table, value, *bounds))
    return told, f" [{interval}]"


def _apart(table: xr.DataArray, *numbers: float) -> Sequence[str]:
    """Numbers as they are shown, with one more digit where they would look alike."""
    texts = [_shown(table, number) for number in numbers]
    return texts if len(set(texts)) > 1 else [_TENTHS.format(number).replace("-", "−") for number in numbers]


def _shown(table: xr.DataArray, value: float) -> str:
    return shown(table, value).replace("-", "−")
