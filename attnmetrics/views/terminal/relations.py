"""Relations and coreference in the terminal: which head finds what, how that compares, and sentences that show it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Group, RenderableType
from rich.text import Text

from attnmetrics.errors import ConfigError
from attnmetrics.views.certainty import bear, interval_title, usual_reach
from attnmetrics.views.evidence import competing, from_how_much
from attnmetrics.views.exemplars import of_claim
from attnmetrics.views.glossary import explain
from attnmetrics.views.heads import per_head
from attnmetrics.views.papers.clark_2019 import published_of
from attnmetrics.views.pieces import visible
from attnmetrics.views.relations import Coreference, Relation, coreference, out_of_reach, relations, under_rules
from attnmetrics.views.roles import RULES
from attnmetrics.views.tables import in_words, shown, unit_word, values
from attnmetrics.views.terminal.exemplars import exemplar_lines, legend
from attnmetrics.views.terminal.heat import heat_table
from attnmetrics.views.terminal.light_table import OF_CLASS, LightTable
from attnmetrics.views.terminal.style import FAINT
from attnmetrics.views.word_classes import NEEDS

HELD_OUT: Final = (
    "the head that is best on each half of the documents, on the other half; likewise the share of the best word "
    "offset, and that of the nearest word of the best class, before or after"
)
_WIDEST_HEAT: Final = 16
_MENTIONS: Final = "mentions"


def show_relations(data: xr.Dataset, top: int = 40) -> RenderableType:
    """Each relation under the rule that finds most of its edges, the most frequent first.

    Raises:
        ConfigError: the run has no relations.
    """
    found = relations(data)
    if not found:
        raise ConfigError("expected a run with relations, found none; it needs sentences whose words have heads")
    table = LightTable("relation", "edges", "rule", *_columns(data))
    for one in found[:top]:
        table.add_row(Text(visible(one.rel)), f"{one.edges:,}", in_words(one.rule), *_found(data, one))
    rest = [Text(f"… and {len(found) - top} more: --top", style=FAINT)] if len(found) > top else []
    about = [f"held out: {HELD_OUT}", *_out_of_reach(data)]
    notes = [Text(line, style=FAINT) for line in about]
    return Group(Text("Heads that find relations", style="bold"), Text(), table, *rest, Text(), *notes)


def _out_of_reach(data: xr.Dataset) -> list[str]:
    """A line for relations that no head can find."""
    edges = ", ".join(f"{visible(rel)} ({number:,})" for rel, number in out_of_reach(data).items())
    return [f"no attention can hit, for want of attendable pairs, the edges of {edges}"] if edges else []


def _name(data: xr.Dataset, layer: int, head: int) -> str:
    """A head, and from how much of its attention its numbers are where it is nearly switched off."""
    return ", ".join(filter(None, [f"{layer}.{head}", from_how_much(data, layer, head)]))


def _columns(data: xr.Dataset) -> list[str]:
    """Of the best head, by its layer and number, of the best offset, and of the nearest word of a class."""
    sure = _interval_columns(data)
    return [
        "head",
        "found",
        *sure,
        "held out",
        *sure,
        "offset",
        "share",
        *sure,
        *([OF_CLASS] if _has_class(data) else []),
    ]


def _has_class(data: xr.Dataset) -> bool:
    """Whether the run says what the nearest word of a class finds."""
    return all(name in data for name in NEEDS)


def _interval_columns(data: xr.Dataset) -> list[str]:
    """What follows a column of shares."""
    return [interval_title(data)] if interval_title(data) else []


def _found(data: xr.Dataset, one: Relation) -> list[str]:
    """Cells of the best head, of the best offset, held out, and of the nearest word of a class."""
    offset = f"{one.offset:+d}".replace("-", "−")
    found = _sure(data, one.accuracy, (one.accuracy_low, one.accuracy_high))
    share = _sure(data, one.baseline, (one.baseline_low, one.baseline_high))
    at_nearest = "" if np.isnan(one.at_nearest) else shown(_SHARE, one.at_nearest)
    nearest = [f"{one.nearest} {at_nearest}".strip() or "–"] if _has_class(data) else []
    return [_name(data, one.layer, one.head), *found, *_held_out(data, one), offset, *share, *nearest]


def _held_out(data: xr.Dataset, one: Relation | Coreference) -> list[str]:
    return _sure(data, one.held_out, (one.held_out_low, one.held_out_high))


_SHARE: Final = xr.DataArray(0.0, attrs={"kind": "share"})


def _sure(data: xr.Dataset, value: float, bounds: tuple[float, float]) -> list[str]:
    """A share, and its interval where the run has intervals."""
    told, interval = bear(_SHARE, value, *bounds)
    return [told, *(interval for _ in _interval_columns(data))]


def show_relation(data: xr.Dataset, exemplars: pd.DataFrame, rel: str, top: int = 3) -> RenderableType:
    """A relation under each rule, a map of the best one, and sentences that its best head reads right and wrong.

    Raises:
        ConfigError: the run has no such relation, or no edge of it.
    """
    rules = under_rules(data, rel)
    if not rules:
        raise ConfigError(_unknown(data, rel))
    best = max(rules, key=lambda one: one.hits)
    table = LightTable("rule", "edges", *_columns(data))
    for one in rules:
        table.add_row(in_words(one.rule), f"{one.attainable:,}", *_found(data, one))
    published = [Text(f"published: {visible(words)}", style=FAINT) for words in published_of(data).get(rel, ())]
    heat = _heat(data, "relation_accuracy", {"rule": best.rule, "rel": rel})
    about = Text(f"{in_words(best.rule)}: {RULES.get(best.rule, '')}", style=FAINT)
    name = Text(f"Heads that find {visible(rel)}, of {best.edges:,} edge{'s' * (best.edges != 1)}", style="bold")
    meaning = [Text(f"{visible(rel)} is {explain(rel)}")] if explain(rel) else []
    shown = _sentences(exemplars, f"relation:{rel}", top, unit_word(data))
    return Group(name, *meaning, Text(), table, *published, Text(), about, *heat, *shown)


def _unknown(data: xr.Dataset, rel: str) -> str:
    """What is wrong with a relation that no rule can find."""
    known = ", ".join(visible(one.rel) for one in relations(data)) or "none"
    if edges := out_of_reach(data).get(rel):
        what = f"expected a relation with edges that attention can hit, found {visible(rel)!r}, all of whose {edges:,}"
        return f"{what} edges lack an attendable pair of pieces; this run has {known}"
    return f"expected a relation with edges in this run, found {visible(rel)!r}; it has {known}"


def show_coreference(data: xr.Dataset, exemplars: pd.DataFrame, top: int = 3) -> RenderableType:
    """Each class of mentions: the best head beside rules that need none, and sentences.

    Raises:
        ConfigError: the run has no coreference.
    """
    found = coreference(data)
    if not found:
        raise ConfigError(
            "expected a run with coreference, found none; give it a corpus with mentions (CoNLL-U with Entity, or a "
            "pipeline that finds them) and --unit window:128"
        )
    kinds = dict.fromkeys(one.candidates for one in found)
    tables = [
        part for kind in kinds for part in _coreference(data, [one for one in found if one.candidates == kind], kind)
    ]
    heat = _heat(data, "coreference_accuracy", {"candidates": found[0].candidates, "mention_class": "all"})
    shown = _sentences(exemplars, "coreference", top, unit_word(data))
    return Group(Text("Heads that find antecedents", style="bold"), Text(), *tables, *heat, *shown)


def _coreference(data: xr.Dataset, found: Sequence[Coreference], candidates: str) -> tuple[RenderableType, ...]:
    """A table with a row a class of mentions; the heuristics choose among mentions."""
    heuristics = tuple(found[0].heuristics) if candidates == _MENTIONS else ()
    names = [name.replace("_", " ") for name in heuristics]
    sure = _interval_columns(data)
    beside_titles = (column for name in names for column in (name, *sure))
    table = LightTable("class", "n", "head", "found", *sure, "held out", *sure, *beside_titles)
    for one in found:
        accuracy = _sure(data, one.accuracy, (one.accuracy_low, one.accuracy_high))
        told = (_sure(data, one.heuristics[name], one.heuristics_bounds[name]) for name in heuristics)
        cells = *accuracy, *_held_out(data, one), *(cell for pair in told for cell in pair)
        table.add_row(Text(visible(one.mention_class)), f"{one.anaphors:,}", _name(data, one.layer, one.head), *cells)
    return Text(f"among all earlier {visible(candidates)}", style=FAINT), table, Text()


def _heat(data: xr.Dataset, metric: str, at: dict[str, str | int]) -> list[RenderableType]:
    """A map, and how far the intervals of its heads reach."""
    table = per_head(data, metric, at)
    if table is None or table.sizes["head"] > _WIDEST_HEAT:
        return []
    reach = Text(usual_reach(data, metric, at), style=FAINT)
    return [heat_table(table, values(competing(data, table))), *([reach] if reach else [])]


def _sentences(exemplars: pd.DataFrame, claim: str, top: int, unit: str) -> list[Text]:
    """Those that the best head reads right, and those that it reads wrong."""
    lines: list[Text] = []
    for name, end in (("right", "hit"), ("wrong", "miss")):
        rows = of_claim(exemplars, f"{claim}:{end}").sort_values(["layer", "head", "rank"]).head(top)
        for n, row in enumerate(rows.to_dict("records")):
            head = f"{name}: layer {row['layer']} head {row['head']}"
            lines += [*([Text(), Text(head, style="bold")] if n == 0 else []), *exemplar_lines(row, unit)]
    return [Text(), legend(), *lines] if lines else [Text(), Text("no sentence is kept for it", style=FAINT)]
