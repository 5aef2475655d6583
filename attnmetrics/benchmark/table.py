"""The benchmark's outcome as tables of the terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.box import SIMPLE
from rich.table import Table

from attnmetrics.benchmark.bench import Findings, Line
from attnmetrics.benchmark.overhead import Account

LEAST_SHARE = 0.001
AGAINST = ("a", "c", "d0", "d1", "f", "g")
STEPS = {
    ("d1", "d0"): "sums of kernels, labels and links",
    ("d2", "d1"): "word maps and syntax",
    ("d3", "d2"): "claims, exemplars, typical units, tokens",
    ("d", "d3"): "similarity of heads",
    ("d", "d1"): "the last three together",
}
"""A contender, and one that does less → what this is."""


def of_race(lines: Sequence[Line]) -> Iterator[Table]:
    """The rates of one unit and precision, each against the others, and what each part adds."""
    yield _rates(lines[0].unit, lines[0].dtype, lines)
    yield _ratios(lines)
    yield costs(lines)


def beside_races(outcome: Findings) -> Iterator[Table]:
    """Conditions, annotation and projection, and the account of a run if there is one."""
    yield _pairs("Conditions", outcome.conditions.items())
    annotation, projection = outcome.annotation, outcome.projection
    floors = ", ".join(f"{rate:,.0f} in {dtype}" for dtype, rate in outcome.floors.items())
    share, low, high = annotation.ratio
    precisions = [line.pieces_per_second for line in outcome.lines if (line.key, line.unit) == ("d", "sentence")]
    corpus = (
        f"{projection.annotation_cpu_hours:,.0f} core hours of annotation, {projection.measuring_hours:,.0f} hours of "
        f"measuring on this machine, {projection.store_bytes / 1e9:,.1f} GB of store before compression"
    )
    yield _pairs(
        "Beside it",
        [
            ("bfloat16", _compare(*precisions)),
            ("e: the needed matrix products alone", f"{floors} pieces/s"),
            (
                "annotation, one core",
                f"{annotation.words_per_second:,.0f} words/s, {share:.2f} ({low:.2f}–{high:.2f}) × the bare pipeline",
            ),
            (f"{projection.sentences:,.0f} such sentences", corpus),
        ],
    )
    if outcome.whole_run:
        yield _account(outcome.whole_run)


def _compare(float32: float, bfloat16: float | None = None) -> str:
    """The two precisions, by their rates."""
    if bfloat16 is None:
        return "not raced: this processor has no units for it"
    slower = " (slower than float32 here)" if bfloat16 < float32 else ""
    return f"d: {bfloat16 / float32:.2f} × the rate in float32{slower}"


def costs(lines: Sequence[Line]) -> Table:
    """What each part adds to measuring, round by round: the median, and quartiles."""
    by_key = {line.key: line for line in lines}
    table = _pairs(f"What each adds ({lines[0].unit}, {lines[0].dtype}, {lines[0].pieces:,} pieces)", [])
    for (more, less), part in STEPS.items():
        share, low, high = (100 * (ratio - 1) for ratio in by_key[less].ratios[more])
        table.add_row(f"{part} ({more} beside {less})", f"{share:+.1f}% ({low:+.1f} to {high:+.1f})")
    return table


def _account(account: Account) -> Table:
    counts = f"{account.counts['sentences']:,} sentences, {account.counts['pieces']:,} pieces"
    title = f"A whole run: {counts}, {account.total:,.0f} s of processor time, {account.overhead:.1%} of it overhead"
    stages = account.beside_measuring
    caption = f"{sum(stages.values()):.2f} × measuring alone: " + ", ".join(f"{k} {v:.2f}" for k, v in stages.items())
    table = Table("part", "stage", title=title, caption=caption)
    for column in ("seconds", "share"):
        table.add_column(column, justify="right")
    for part, stage, seconds, share in account.rows():
        if share >= LEAST_SHARE:
            table.add_row(part, stage, f"{seconds:,.1f}", f"{share:.1%}")
    return table


def _rates(unit: str, dtype: str, lines: Sequence[Line]) -> Table:
    """Rates as medians, their quartiles below, and what they are of what can be."""
    titles = "\n".join(f"{line.key}: {line.title}" for line in lines)
    table = _by_contender("pieces/s", "of the\nproducts", "of the\nfloor", "peak\nMB")
    table.title, table.caption, table.caption_justify = f"Unit: {unit}, in {dtype}", titles, "left"
    for line in lines:
        rate = "{:,.0f}\n{:,.0f}–{:,.0f}".format(line.pieces_per_second, *line.quartiles)
        peak = "?" if line.peak_bytes is None else f"{line.peak_bytes / 1e6:,.0f}"
        table.add_row(line.key, rate, f"{line.products_share:.0%}", f"{line.floor_share:.0%}", peak)
    return table


def _ratios(lines: Sequence[Line]) -> Table:
    """Rates against those of others, round by round: the median, quartiles below."""
    against = [key for key in AGAINST if any(key in line.ratios for line in lines)]
    table = _by_contender(*(f"÷ {key}" for key in against))
    for line in lines:
        own = (line.ratios.get(key) for key in against)
        table.add_row(line.key, *("" if found is None else "{:.2f}\n{:.2f}–{:.2f}".format(*found) for found in own))
    return table


def _by_contender(*columns: str) -> Table:
    """A row a contender, none of it cut where 80 characters are shown."""
    table = Table("", box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _pairs(title: str, rows: Iterable[tuple[str, str]]) -> Table:
    table = Table("", "", title=title, show_header=False)
    for name, value in rows:
        table.add_row(name, value)
    return table
