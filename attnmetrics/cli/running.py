"""Commands that measure: a whole run, or one of its stages."""

from functools import partial
from typing import Annotated, Any, Literal

import typer

from attnmetrics.cli.common import (
    AllowMissing,
    ConfigFile,
    Quiet,
    RunFolder,
    Verbose,
    app,
    finish,
    load_tables,
    print_line,
    reporter,
)
from attnmetrics.cli.from_config import takes_config
from attnmetrics.cli.help import Command
from attnmetrics.config import (
    IMPORTANCE_UNITS,
    LossOf,
    Masking,
    ProbeConfig,
    RunConfig,
    build_config,
    build_probe_config,
)
from attnmetrics.storage import locate

DEMO = {"model": "demo", "corpus": ("demo",), "out": "runs/demo"}


@app.command(cls=Command)
@takes_config
def run(
    values: dict[str, Any],
    *,
    config: ConfigFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Do everything: annotate, measure, merge, report. Goes on from what is already done."""
    _run(build_config(values, config), quiet)


@app.command(cls=Command)
@takes_config
def plan(values: dict[str, Any], *, config: ConfigFile = None, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Say what a run with the same options would read and cost, and which --shard-characters suit it and why."""
    from rich.console import Console

    from attnmetrics.running.estimate import plan as plan_run

    Console().print(plan_run(build_config(values, config), reporter(quiet)))


@app.command(cls=Command)
@takes_config
def demo(
    values: dict[str, Any],
    *,
    config: ConfigFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run on the model, pipeline and corpus in the package; any flag of `run` may replace a part."""
    _run(build_config(values, config, DEMO), quiet)


@app.command(cls=Command)
@takes_config
def annotate(
    values: dict[str, Any], *, config: ConfigFile = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Only annotate: split sentences, tag, parse, and cache the result. Needs no model."""
    from attnmetrics.running.driver import run_annotate

    folder = {"out": values["annotations"]} if "annotations" in values else {}
    settings = build_config(values, config, {"model": "demo", **folder})
    run_annotate(settings, reporter(quiet))
    print_line(f"annotations: {settings.annotation_folder}")


@app.command(cls=Command)
@takes_config
def measure(
    values: dict[str, Any], *, config: ConfigFile = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Only measure what is annotated. Needs no pipeline."""
    from attnmetrics.running.driver import run_measure

    settings = build_config(values, config)
    run_measure(settings, reporter(quiet))
    print_line(f"measured; next: attnmetrics merge {settings.out}")


@app.command()
def merge(
    run: RunFolder,
    allow_missing: AllowMissing = False,
    confidence: Annotated[float | None, typer.Option(help="of intervals; unset: as the run was")] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Only merge: from measured shards to tables and report. Needs no model and no corpus."""
    from attnmetrics.running.merging import merge_run

    folder = locate(run)
    finish(folder, merge_run(folder, reporter(quiet), allow_missing, confidence), quiet)


@app.command()
def importance(
    run: RunFolder,
    units: Annotated[
        int, typer.Option(min=1, help="sentences, or windows, by hash; each costs some two and a half forward passes")
    ] = IMPORTANCE_UNITS,
    mlm: Annotated[
        Masking | None,
        typer.Option(
            help="models that read both ways: hide 15 % of the pieces by the mask (default), as BERT's training does, "
            "or none and predict all"
        ),
    ] = None,
    loss: Annotated[LossOf, typer.Option(help="of the predicted pieces of a sentence")] = "mean",
    engine: Annotated[Literal["ray", "inline"] | None, typer.Option(help="where; unset: as the run was")] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-w", min=1, help="of the ray engine")] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="per worker")] = None,
    address: Annotated[str | None, typer.Option(help="Ray cluster to join")] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure how much a model's loss depends on attention, over a sample of a measured run."""
    from rich.console import Console

    from attnmetrics.running.driver import run_importance
    from attnmetrics.running.importance import Options
    from attnmetrics.views.terminal.importance import show_importance

    folder = locate(run)
    given = {"engine": engine, "workers": workers, "threads": threads, "address": address}
    changed = {name: value for name, value in given.items() if value is not None}
    run_importance(folder, Options(units, mlm, loss), reporter(quiet), **changed)
    if not quiet:
        Console().print(show_importance(load_tables(folder)))
    print_line(f"report: {folder / 'report' / 'index.html'}")


@app.command(cls=Command)
@partial(takes_config, kind=ProbeConfig)
def probe(values: dict[str, Any], *, run: RunFolder, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Learn a treebank's trees from a run's attention, and try what was learned on another treebank."""
    from rich.console import Console

    from attnmetrics.running.probing import probe as probe_run
    from attnmetrics.views.terminal.probes import show_probes

    folder = locate(run)
    dataset = probe_run(folder, build_probe_config(values), reporter(quiet))
    if not quiet:
        Console().print(show_probes(dataset))
    print_line(
        f"probes: {folder / 'probe.zarr'}; attnmetrics merge {folder} puts them into the report, with the paper's"
    )


@app.command()
def status(run: RunFolder, verbose: Verbose = False) -> None:
    """Say how far a run is."""
    from rich.console import Console

    from attnmetrics.running.driver import progress_of
    from attnmetrics.views.terminal.status import show_status

    folder = locate(run)
    Console().print(show_status(folder, progress_of(folder)))


def _run(config: RunConfig, quiet: bool) -> None:
    from attnmetrics.running.driver import run

    finish(config.out, run(config, reporter(quiet)), quiet)
