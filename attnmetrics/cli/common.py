"""What commands have in common: the application, flags of several commands, and how a command tells what it did.

Heavy libraries are imported by the function that needs them, here as in every command, so that help is quick.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attnmetrics.cli.help import Commands
from attnmetrics.config import parse_numbers
from attnmetrics.errors import ConfigError
from attnmetrics.storage import Location

if TYPE_CHECKING:
    import xarray as xr

    from attnmetrics.running.progress import Reporter

app = typer.Typer(
    name="attnmetrics",
    cls=Commands,
    rich_markup_mode=None,
    help="What every attention head of a Transformer language model does, over any amount of text.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file of options; flags win over it")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print only warnings, errors and where the result is")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="print tracebacks with errors")]
RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="folder of a run: a path or a URL")]
AllowMissing = Annotated[bool, typer.Option("--allow-missing", help="make tables without the shards that are missing")]
LeastEvidence = Annotated[
    float,
    typer.Option(
        "--evidence",
        min=0,
        max=1,
        metavar="SHARE",
        help="heads with less of their attention off null pieces are nearly switched off: out of ranks and scales",
    ),
]


def read_numbers(text: str, what: str, flag: str | None = None) -> tuple[int, ...]:
    """Layers or heads of a flag, which is named by them if unset."""
    try:
        return parse_numbers(text, what)
    except ValueError as error:
        raise ConfigError(f"--{flag or what}: {error}; found {text[:80]!r}") from None


def finish(folder: Location, facts: dict[str, Any], quiet: bool) -> None:
    """Show a finished run's summary, and say where its report is."""
    from rich.console import Console

    import attnmetrics
    from attnmetrics.views.terminal.summary import summary

    if not quiet:
        Console().print(summary(attnmetrics.load(folder, with_intervals=True), facts))
    print_line(f"report: {folder / 'report' / 'index.html'}")


def load_tables(folder: Location, evidence: float | None = None) -> "xr.Dataset":
    """All tables of a run, those of importance too where it was measured.

    Args:
        folder: the run's.
        evidence: share of attention off null pieces below which a head is nearly switched off.
    """
    import attnmetrics
    from attnmetrics.results.importance import join
    from attnmetrics.results.joined import set_apart
    from attnmetrics.running.runfile import read_facts

    results = set_apart(attnmetrics.load(folder, with_intervals=True))
    measured = "importance" in (read_facts(folder) or {})
    whole = join(results, attnmetrics.importance(folder) if measured else None)
    if evidence is None:
        return whole
    from attnmetrics.views.evidence import with_least

    return with_least(whole, evidence)


def reporter(quiet: bool) -> "Reporter":
    """What tells of progress."""
    from attnmetrics.running.progress import Reporter

    return Reporter(quiet)


def print_line(line: str) -> None:
    """Write a line as the terminal can show it."""
    from attnmetrics.running.progress import printable

    typer.echo(printable(line))


def complain(message: str) -> None:
    """Write an error, likewise."""
    from attnmetrics.running.progress import printable

    typer.echo(f"attnmetrics: {printable(message)}", err=True)
