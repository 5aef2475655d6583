"""Published numbers beside a run's in the terminal, and which of them lie within its intervals."""

from itertools import groupby
from typing import Final

import xarray as xr
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attnmetrics.errors import ConfigError
from attnmetrics.views.certainty import interval_title, why_none
from attnmetrics.views.papers.claims import Paper, Row, compare, summed_up
from attnmetrics.views.papers.clark_2019 import CLARK
from attnmetrics.views.papers.vig_belinkov_2019 import VIG_BELINKOV
from attnmetrics.views.pieces import visible

PAPERS: Final = (VIG_BELINKOV, CLARK)


def show_paper(data: xr.Dataset, key: str | None = None) -> RenderableType:
    """Every number of a paper that the run has a counterpart of, and a sentence on the whole.

    Args:
        data: a run's results.
        key: of the paper; the first without one.

    Raises:
        ConfigError: no such paper.
    """
    paper = PAPERS[0] if key is None else next((one for one in PAPERS if one.key == key), None)
    if paper is None:
        raise ConfigError(f"expected a paper of {', '.join(one.key for one in PAPERS)}, found {key!r}")
    rows = compare(paper, data)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in ("published", "paper", _this_run(data), "in its interval"):
        table.add_column(Text(column))
    for where, given in groupby((row for row in rows if row.given), key=lambda row: row.claim.where):
        if where:
            table.add_row(Text(where, style="bold"))
        for row in given:
            table.add_row(*_cells(row))
    without = sum(not row.given for row in rows)
    rest = [Text(f"{without} more have no counterpart in this run", style="dim")] if without else []
    head, end = (Text(paper.name, style="bold"), *_about(paper, data), Text()), (Text(), Text(summed_up(rows)))
    return Group(*head, table, *rest, *end, *_others(paper))


def _others(paper: Paper) -> list[Text]:
    return [Text(f"{one.name}: --label {one.key}", style="dim") for one in PAPERS if one is not paper]


def _this_run(data: xr.Dataset) -> str:
    return f"this run [{interval_title(data)}]" if interval_title(data) else "this run"


def _about(paper: Paper, data: xr.Dataset) -> list[Text]:
    said = [f"published for: {paper.conditions} Another model, corpus or pipeline need not agree.", why_none(data)]
    return [Text(one, style="dim") for one in said if one]


def _cells(row: Row) -> list[Text]:
    published = row.claim.published or row.claim.released
    told = [row.claim.claim, published, row.told, row.verdict]
    return [Text(visible(one)) for one in told]
