"""The command that compares runs."""

from typing import Annotated

import typer

from attnmetrics.cli.common import Quiet, Verbose, app, print_line, reporter
from attnmetrics.storage import locate


@app.command()
def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN…", help="folders of finished runs: paths or URLs")],
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="PATH", help="folder (default: one in this folder, named after the runs)"),
    ] = None,
    axis: Annotated[
        str | None,
        typer.Option(metavar="NAME=V1,V2,…", help="what the runs are points on, and the value of each, in order"),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD[=V1,V2,…]",
            help="of one run: documents by a field that it is split by",
        ),
    ] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="of intervals")] = 0.95,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say which heads differ between runs, how much and how surely: each run against the first. Needs no model."""
    from rich.console import Console

    from attnmetrics.comparing.axis import parse_axis
    from attnmetrics.comparing.compare import compare_runs
    from attnmetrics.comparing.outputs import check_free, folder_for, write_comparison
    from attnmetrics.comparing.values import check_one, compare_values
    from attnmetrics.running.fields import find_values
    from attnmetrics.views.terminal.comparison import show_comparison

    places, say = [locate(run) for run in runs], reporter(quiet).say
    if by is not None:
        check_one(places, axis is not None)
    folder = folder_for(places if by is None else [places[0] / by]) if out is None else locate(out)
    check_free(folder)
    points = None if axis is None else parse_axis(axis)
    if by is None:
        found = compare_runs(places, confidence, points, say)
    else:
        found = compare_values(places[0], *find_values(places[0], by), confidence, say)
    write_comparison(found, folder)
    if not quiet:
        Console().print(show_comparison(found.data, found.role_changes))
    print_line(f"comparison: {folder}; a result: attnmetrics show {folder} entropy")
    print_line(f"report: {folder / 'report' / 'index.html'}")
