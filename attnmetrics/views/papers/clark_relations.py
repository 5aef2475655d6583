"""Table 1 of Clark et al. (2019) and the rows of their notebook beside a run's relations."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from attnmetrics.views.certainty import bounds
from attnmetrics.views.heads import ranked
from attnmetrics.views.papers.claims import Claim, Counterpart, Field, NoCounterpartError, Text
from attnmetrics.views.papers.reading import head_name, head_table
from attnmetrics.views.relations import Relations, best_offset
from attnmetrics.views.tables import at_labels, in_words, labels_of

Entry = Mapping[str, Any]
"""A row of the file."""


def relation_claim(entry: Entry, where: str) -> Claim:
    """A row of the file as a claim."""
    printed, released = list(entry.get("print", ())), list(entry.get("released", ()))
    counted = f"n = {entry['n']:,}" if "n" in entry else ""
    return Claim(
        name=f"{where}: {entry['relation']}",
        claim=entry["relation"],
        published=_written(entry, printed),
        unit="accuracy",
        measure=lambda data: _counterpart(entry, data),
        where=where,
        released="; ".join(filter(None, [_written(entry, released), counted])),
        numbers=len(printed) + len(released) + ("head" in entry) + ("n" in entry),
        result=_result(entry),
        note=entry.get("note", ""),
        percent=True,
        values=_comparable(entry, printed or released),
    )


def _comparable(entry: Entry, numbers: list[float]) -> tuple[float, ...]:
    """The accuracies of the best head and of the best offset, as shares; none where no run can have one."""
    return tuple(number / 100 for number in numbers[:2]) if _result(entry) and "head" in entry else ()


def _result(entry: Entry) -> str:
    """The table that the counterpart is read from; none where no run can have one."""
    if entry["relation"] == "All":
        return "relation_accuracy_all"
    if "ours" not in entry:
        return ""
    return "relation_accuracy" if "head" in entry else "relation_edges"


def _written(entry: Entry, numbers: list[float]) -> str:
    """[accuracy, that of the best offset, the offset], the last of which may be absent, as a person reads it."""
    if not numbers:
        return ""
    layer, head = entry["head"]
    best = f"{numbers[0]:.1f}% (layer {layer} head {head}, {layer + 1}-{head + 1} in the paper{_by(entry['rule'])})"
    offset = f"offset {_signed(numbers[2])}" if len(numbers) > 2 else "best word offset"
    return f"{best}, {offset}: {numbers[1]:.1f}%"


def _by(rule: str) -> str:
    return "" if rule == "row" else f", {in_words(rule)}"


def _signed(offset: float) -> str:
    return f"{offset:+.0f}".replace("-", "−")


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"


def _counterpart(entry: Entry, data: xr.Dataset) -> Counterpart:
    if entry["relation"] == "All":
        return _every_word(data)
    rel, rule = find(entry, data)
    edges = int(at_labels(data["relation_edges"], {"rel": rel}))
    if "head" not in entry:
        return Counterpart((edges,), (f"n = {edges:,}",))
    best = Relations(data).find(rule, rel)
    if best is None:
        raise NoCounterpartError(f"no edge of {rel} is attainable in this run")
    other = "" if (rel, rule) == (entry["relation"], entry["rule"]) else f"{rel}{_by(rule)}: "
    text = _best((best.accuracy, best.layer, best.head), (best.offset, best.at_offset))
    numbers = (best.accuracy, best.at_offset, best.offset, best.layer, best.head)
    sure = (best.accuracy_low, best.accuracy_high), (best.at_offset_low, best.at_offset_high)
    return Counterpart(numbers, (other, *text, f"; n = {edges:,}"), sure)


def _best(head: tuple[float, int, int], offset: tuple[int, float]) -> Text:
    """The best head, by its accuracy, layer and number, and the best offset, with its accuracy."""
    accuracy, *place = head
    called = f" ({head_name(*place)}), offset {_signed(offset[0])}: "
    return Field(_share(accuracy)), called, Field(_share(offset[1]))


def find(entry: Entry, data: xr.Dataset) -> tuple[str, str]:
    """The relation of a run that answers a row, and the rule: the first of the row's `ours` that the run has.

    Raises:
        NoCounterpartError: it has none of them.
    """
    known = labels_of(data["rel"], "rel") if "relation_edges" in data else []
    asked = [(*one.split(" "), entry.get("rule", ""))[:2] for one in entry.get("ours", ())]
    for rel, rule in asked:
        if rel in known and float(at_labels(data["relation_edges"], {"rel": rel})) > 0:
            return rel, rule
    missing = f"this run has no {' or '.join(rel for rel, _ in asked)}" if asked else ""
    raise NoCounterpartError("; ".join(filter(None, [missing, entry.get("why", "")])))


def _every_word(data: xr.Dataset) -> Counterpart:
    """The row "All": all words, roots and punctuation in; the best offset is of words that have a parent."""
    layer, head, accuracy = ranked(head_table(data, "relation_accuracy_all", {"rule": "row"}))[0]
    if not data["relation_edges_attainable"].sel(rule="row").any():
        raise NoCounterpartError("no edge is attainable in this run")
    offset, share = best_offset(_pooled_offsets(data))
    text = _best((accuracy, layer, head), (offset, share))
    sure = bounds(data, "relation_accuracy_all", {"rule": "row", "layer": layer, "head": head})
    return Counterpart((accuracy, share, offset, layer, head), text, (sure,))


def _pooled_offsets(data: xr.Dataset) -> xr.DataArray:
    """[word_offset]: the share over all relations together."""
    edges = data["relation_edges_attainable"].sel(rule="row")
    return (data["relation_offset_accuracy"].sel(rule="row") * edges).sum("rel") / edges.sum()


def published(data: xr.Dataset, entries: list[Entry]) -> dict[str, list[str]]:
    """By relation of a run, what the paper and its notebook have of it: "dobj: 86.8% (…)"."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        claim = relation_claim(entry, "")
        if "head" in entry and entry.get("ours") and (place := _found(entry, data)):
            numbers = claim.published or claim.released
            found.setdefault(place[0], []).append(f"{entry['relation']}: {numbers}")
    return found


def _found(entry: Entry, data: xr.Dataset) -> tuple[str, str] | None:
    try:
        return find(entry, data)
    except NoCounterpartError:
        return None
