"""Sentences of a head, the attending and the attended piece marked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from attnmetrics.errors import ConfigError
from attnmetrics.views.exemplars import TYPICAL, strongest, typical
from attnmetrics.views.numbers import percent
from attnmetrics.views.pieces import Piece, readable, visible, window
from attnmetrics.views.terminal.asked import require_head
from attnmetrics.views.terminal.style import FAINT

_FROM: Final = "bold black on #ffd08a"
_TO: Final = "bold black on #9fd3f2"


def show_exemplars(frame: pd.DataFrame, layer: int, head: int, top: int = 5, unit: str = "sentence") -> RenderableType:
    """The sentences with a head's strongest attention, the attending and the attended piece marked.

    Raises:
        ConfigError: the run has no such head, or no exemplars.
    """
    if frame.empty:
        raise ConfigError("this run has no exemplars: no pair of pieces was attendable, or it ran with --exemplars 0")
    frame = strongest(frame)
    layers, heads = sorted(set(frame["layer"].tolist())), sorted(set(frame["head"].tolist()))
    require_head(layer, head, layers, heads)
    rows = frame[(frame["layer"] == layer) & (frame["head"] == head)].sort_values("rank").head(top)
    parts = [Text(f"layer {layer} head {head}", style="bold"), legend()]
    parts += [text for row in rows.to_dict("records") for text in exemplar_lines(row, unit)]
    return Group(
        *(parts if len(rows) else [*parts, Text("no sentence: this head attends to nothing that is measured")])
    )


def show_typical(frame: pd.DataFrame, layer: int, head: int, unit: str = "sentence") -> list[RenderableType]:
    """A typical sentence of each part of a head's, the part with the largest weights first; nothing without any."""
    own = typical(frame[(frame["layer"] == layer) & (frame["head"] == head)])
    first = own[own["rank"] == 1].sort_values("bucket", key=lambda bucket: bucket.map(TYPICAL.index), ascending=False)
    if first.empty:
        return []
    parts: list[RenderableType] = [Text(), Text(f"typical {unit}s, by their largest attention", style="bold"), legend()]
    for row in first.to_dict("records"):
        parts += exemplar_lines(row, unit, f"{row['bucket']}%:")
    return parts


def legend() -> Text:
    """What the two marks in a sentence mean, and why a weight has no interval."""
    alone = ("  a weight is of its sentence alone: no interval", FAINT)
    return Text.assemble(("attending piece", _FROM), " looks at ", ("attended piece", _TO), alone)


def exemplar_lines(row: Mapping[Any, Any], unit: str, name: str | None = None) -> list[Text]:
    """A row of `exemplars.parquet`: name or rank, pair, right word and source; and the sentence, the pair marked."""
    i, j = int(row["i"]), int(row["j"])
    pieces = readable(list(row["pieces"]), str(row["text"]))
    pair = f"{pieces[i].text} → {pieces[j].text} {percent(float(row['weight']))}"
    source = visible(f"{row['document']}, {unit} {int(row['sentence'])}")
    right = _right_told(pieces, row["right"])
    return [
        Text(),
        Text.assemble((f"{name or str(int(row['rank'])) + '.'} {pair}", "bold"), right, (f"  {source}", FAINT)),
        _sentence(pieces, i, j),
    ]


def _right_told(pieces: Sequence[Piece], right: Sequence[int] | None) -> str:
    """Of a wrong answer which word is right; "" where nothing is known."""
    if right is None:
        return ""
    word = "".join(pieces[place].text for place in right)
    return f"  right by the labels: {word}" if word else "  the right word is in another sentence"


def _sentence(pieces: Sequence[Piece], i: int, j: int) -> Text:
    text = Text("   ")
    for place in window(len(pieces), i, j, 90):
        if place is None:
            text.append(" … ", style=FAINT)
            continue
        text.append(" " if pieces[place].space else "")
        marked = place in (i, j)
        text.append(
            pieces[place].text if marked else pieces[place].running,
            style=_FROM if place == i else _TO if marked else "",
        )
    return text
