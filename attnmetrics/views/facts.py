"""What a run was: its facts as short lines that a person reads, whatever else run.json holds."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

import xarray as xr

from attnmetrics.views.numbers import number
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import unit_word

_MODEL: Final = (("configuration", "model"), ("model", "name"), ("model",))
_DOCUMENTS: Final = (("corpus", "documents"), ("counts", "documents"))
_ABOUT: Final = {
    "model": _MODEL,
    "revision": (("configuration", "revision"), ("model", "revision")),
    "corpus": (("corpus", "paths"), ("configuration", "corpus")),
    "annotator": (("annotator", "name"), ("configuration", "annotator")),
    "unit": (("configuration", "unit"),),
    "arithmetic": (("configuration", "dtype"),),
}

_LEFT_OUT: Final = {
    "documents_blank": "blank documents",
    "documents_without_text": "rows without a text",
    "documents_split": "documents cut into several",
    "sentences_without_pieces": "{unit}s without a word piece",
    "sentences_blank": "blank sentences",
    "sentences_cut": "{unit}s cut to length",
    "sentences_not_sampled": "{unit}s outside the sample",
    "pieces_unaligned": "pieces that overlap no word",
    "mentions_discontinuous": "mentions in several parts",
    "mentions_unclosed": "mentions that do not begin or do not end",
    "mentions_malformed": "values of Entity that are no brackets",
    "mentions_empty": "mentions of empty nodes alone",
}
"""What the counts of run.json are of; `{unit}` is what attention was measured in."""


def model_name(facts: Mapping[str, Any]) -> str:
    """The model's name, or the last part of its folder; empty where the facts do not say."""
    name = PurePath(str(_first(facts, (("model", "name"), *_MODEL))))
    return visible((name.name if name.is_absolute() else str(name)) if name.name else "")


def run_names(facts: Mapping[str, Any]) -> dict[str, str]:
    """What a figure says of a run: its model and its corpus by the last parts of their paths; who made it, when."""
    paths = facts.get("configuration", {}).get("corpus", ())
    corpus = [PurePath(str(path)).name for path in ((paths,) if isinstance(paths, str) else paths)]
    shown = ", ".join(corpus[:3]) + ", …" * (len(corpus) > 3)
    names = {"model": PurePath(str(_first(facts, _MODEL))).name, "corpus": shown, "made": _made(facts)}
    return {what: visible(name) for what, name in names.items() if name}


def _made(facts: Mapping[str, Any]) -> str:
    """By which version of this program a run was begun, and on which day: "attnmetrics 0.1.0, 2026-11-27"."""
    version, started = str(facts.get("attnmetrics", "")), str(facts.get("started", ""))
    return ", ".join(filter(None, (version and f"attnmetrics {version}", started.partition("T")[0])))


def labels_from(facts: Mapping[str, Any]) -> str:
    """What the labels of words are, by which heads are right or wrong."""
    name = str(_first(facts, (("annotator", "name"), ("configuration", "annotator"))))
    if not name:
        return ""
    if name.startswith("CoNLL-U"):
        return "Right and wrong are by the corpus's own labels."
    return f"Right and wrong are by the labels of the pipeline {visible(name)}, not a person's: it errs too."


def source_words(data: xr.Dataset, facts: Mapping[str, Any]) -> str:
    """What a file of a page says of a run: "smollm2 · wiki.jsonl · 300 sentences · attnmetrics 0.1.0, 2026-11-27"."""
    unit = unit_word(data)
    units = next((f"{count} {name}" for name, count in headline(data, facts) if name == f"{unit}s"), "")
    named = run_names(facts)
    parts = (named.get("model"), named.get("corpus"), units, named.get("made"))
    return " · ".join(part for part in parts if part)


def unit_of(data: xr.Dataset) -> str:
    """What the run measured attention in: `sentence`, `window:N` or `pair:N`."""
    return str(data.attrs.get("unit", "sentence"))


def headline(data: xr.Dataset, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, how many) for the few numbers on top."""
    documents = _first(facts, _DOCUMENTS)
    unit = unit_word(data)
    rows = [
        ("heads", f"{data.sizes['layer']} × {data.sizes['head']}"),
        ("documents", number(float(documents)) if isinstance(documents, int | float) else ""),
        (f"{unit}s", _count(data, "sentences")),
        ("word pieces", _count(data, "pieces")),
        (f"pieces a {unit}", _count(data, "pieces_per_sentence")),
        ("time", _time(facts)),
    ]
    return [row for row in rows if row[1]]


def left_out(data: xr.Dataset, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, how many) for everything that the run left out or cut."""
    named = facts.get("left_out")
    counted = dict(named) if isinstance(named, Mapping) else {}
    counted |= {name: float(data[name]) for name in ("sentences_cut", "pieces_unaligned") if name in data}
    return [(_left_out(str(name), unit_word(data)), _fact(n)) for name, n in counted.items()]


def _left_out(name: str, unit: str) -> str:
    return _LEFT_OUT[name].format(unit=unit) if name in _LEFT_OUT else visible(name).replace("_", " ")


def flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(path, value) of every fact."""
    for name, value in facts.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}.")
        else:
            yield path, "none" if value is None or value == [] else _listed(without_folders(value))


def without_folders(value: Any) -> Any:
    """A path, or each of a list, by its last part: where a run's machine keeps it is nobody's business."""
    if isinstance(value, list | tuple):
        return [without_folders(one) for one in value]
    return f"…/{PurePath(value).name}" if isinstance(value, str) and PurePath(value).is_absolute() else value


def duration(seconds: float) -> str:
    """A time span for people."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _first(facts: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> Any:
    """The first of these facts that is there and is no table itself; an empty text where none is."""
    found = (_at(facts, path) for path in paths)
    return next((value for value in found if value is not None and not isinstance(value, Mapping)), "")


def _at(facts: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = facts
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _count(data: xr.Dataset, name: str) -> str:
    return number(float(data[name])) if name in data else ""


def about(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, which) for what a run was of; only what the facts say."""
    named = {name: _first(facts, paths) for name, paths in _ABOUT.items()} | {"model": model_name(facts)}
    rows = [
        *named.items(),
        *_split(facts),
        ("null pieces", _null_pieces(facts)),
        ("layers without attention", other_layers(facts)),
    ]
    return [(name, visible(_listed(without_folders(value)))) for name, value in rows if value not in ("", [], ())]


def _split(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(split by a field, how many documents have each value)"""
    fields = _at(facts, ("corpus", "by"))
    split = fields.items() if isinstance(fields, Mapping) else ()
    return [(f"split by {name}", told_values(counts)) for name, counts in split]


def told_values(counts: Mapping[str, int]) -> str:
    """`told_values({"news": 3, "(none)": 1}) == "2 values: news 3, (none) 1 documents"`"""
    return f"{len(counts)} values: {', '.join(f'{value} {number:,}' for value, number in counts.items())} documents"


def other_layers(facts: Mapping[str, Any]) -> str:
    """The layers of a hybrid model that do not attend, and what they are: "0–2, 4 (conv)"; empty for other models."""
    found = _at(facts, ("model", "other_layers"))
    kinds = found.items() if isinstance(found, Mapping) else ()
    return "; ".join(f"{_ranges(layers)} ({kind})" for kind, layers in kinds)


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as people write them.

    >>> _ranges([0, 1, 2, 4])
    '0–2, 4'
    """
    ends = [number for number in numbers if number + 1 not in numbers]
    begins = [number for number in numbers if number - 1 not in numbers]
    spans = zip(begins, ends, strict=True)
    return ", ".join(str(begin) if begin == end else f"{begin}–{end}" for begin, end in spans)


def _null_pieces(facts: Mapping[str, Any]) -> str:
    """Which pieces count as null: "the first", "the first 2 and the last and those between segments"."""
    ends = [(side, _at(facts, ("model", "null", key))) for side, key in (("first", "leading"), ("last", "trailing"))]
    known = [(side, int(number)) for side, number in ends if isinstance(number, int)]
    parts = [f"the {side}" if number == 1 else f"the {side} {number}" for side, number in known if number]
    if _at(facts, ("model", "null", "between")) == 1 and str(_first(facts, _ABOUT["unit"])).startswith("pair"):
        parts.append("those between segments")
    return " and ".join(parts) or ("none" if known else "")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def stage_seconds(facts: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of each stage that has run."""
    stages = facts.get("seconds")
    found = stages.items() if isinstance(stages, Mapping) else ()
    return {str(name): float(value) for name, value in found if isinstance(value, int | float)}


def _time(facts: Mapping[str, Any]) -> str:
    """Of all stages but the merge, which writes the page before it knows how long it takes."""
    total = sum(seconds for stage, seconds in stage_seconds(facts).items() if stage != "merge")
    return duration(total) if total else ""


def _fact(value: Any) -> str:
    return number(float(value)) if isinstance(value, int | float) else visible(str(value))
