"""The benchmark's outcome as tables of the terminal."""

from collections.abc import Iterable, Iterator

from rich.table import Table

from attnmetrics.benchmark.bench import Line, Outcome

AGAINST = ("a", "b", "c", "d0")


def tables(outcome: Outcome) -> Iterator[Table]:
    """Conditions, contenders, annotation and projection."""
    yield _pairs("Conditions", outcome.conditions.items())
    yield _contenders(outcome)
    projection = outcome.projection
    floors = ", ".join(f"{rate:,.0f} in {dtype}" for dtype, rate in outcome.floors.items())
    annotation = (
        f"{outcome.annotation_words_per_second:,.0f} words/s, {outcome.annotation_share:.0%} of the bare pipeline"
    )
    corpus = (
        f"{projection.annotation_cpu_hours:,.0f} core hours of annotation, {projection.measuring_hours:,.0f} hours of "
        f"measuring on this machine, {projection.store_bytes / 1e9:,.1f} GB of states"
    )
    yield _pairs(
        "Beside it",
        [
            ("e: floor of the matrix products", f"{floors} pieces/s"),
            ("annotation, one core", annotation),
            (f"{projection.sentences:,.0f} such sentences", corpus),
        ],
    )


def _contenders(outcome: Outcome) -> Table:
    table = Table("", "contender", "dtype", title="Pieces a second, and how many times the others' rate")
    for column in ("pieces/s", "quartiles", *(f"÷ {key}" for key in AGAINST), "of the floor", "peak memory"):
        table.add_column(column, justify="right")
    for line in outcome.lines:
        table.add_row(line.key, line.title, line.dtype, *_figures(line))
    return table


def _figures(line: Line) -> Iterator[str]:
    yield f"{line.pieces_per_second:,.0f}"
    yield "{:,.0f}–{:,.0f}".format(*line.quartiles)
    for key in AGAINST:
        yield "{:.2f} ({:.2f}–{:.2f})".format(*line.ratios[key]) if key in line.ratios else ""
    yield f"{line.floor_share:.0%}"
    yield "unknown" if line.peak_bytes is None else f"{line.peak_bytes / 1e6:,.0f} MB"


def _pairs(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    table = Table("", "", title=title, show_header=False)
    for name, value in rows:
        table.add_row(name, value)
    return table
