"""The command that races measuring against other ways."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from attnmetrics.cli.common import Verbose, app, reporter
from attnmetrics.errors import StoreError


@app.command()
def bench(
    sentences: Annotated[float, typer.Option(min=1, help="of a corpus, such as 170e6: say what it would take")] = 170e6,
    raced: Annotated[int, typer.Option(min=10, help="sentences of the demo corpus to race over, at most")] = 120,
    rounds: Annotated[int, typer.Option(min=1, help="rounds that count")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="of each contender (default: one a core)")] = None,
    whole_run: Annotated[
        int | None, typer.Option(min=1, help="also run over so many sentences, and say where the time goes")
    ] = None,
    shape: Annotated[
        Literal["gpt2", "llama", "sliding", "bert"],
        typer.Option(help="of the model: 12 × 12 heads, 30 × 9 with grouped keys, 6 × 9 that slide, BERT base"),
    ] = "gpt2",
    window: Annotated[
        list[int] | None, typer.Option(min=2, help="pieces of long units; may be given more than once (default: 1024)")
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="where it is raced")] = "auto",
    families: Annotated[
        bool, typer.Option("--families", help="only what each family adds, by processor time in one thread")
    ] = False,
    json: Annotated[Path | None, typer.Option("--json", help="write the figures here too", metavar="FILE")] = None,
    verbose: Verbose = False,
) -> None:
    """Race measuring against the paper's way, transformers' own forward pass, and what else measures attention."""
    from os import cpu_count

    from rich.console import Console

    from attnmetrics.benchmark.bench import WINDOW, Course, Line, bench_families
    from attnmetrics.benchmark.bench import bench as run_bench
    from attnmetrics.benchmark.shapes import SHAPES
    from attnmetrics.benchmark.table import beside_races, costs, of_race

    place = None if device == "auto" else device
    course = Course(raced, rounds, threads or cpu_count() or 1, SHAPES[shape], window or [WINDOW], place)
    console = Console()
    if families:
        console.print(costs(bench_families(course, reporter(False).say)))
        return

    def show(lines: Sequence[Line]) -> None:
        console.print(*of_race(lines), sep="\n")

    outcome = run_bench(course, sentences, whole_run, reporter(False).say, show)
    console.print(*beside_races(outcome), sep="\n")
    if json is not None:
        _write_json(json, outcome.plain())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    from json import dumps

    try:
        path.write_text(dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"expected to write {path}, found: {error.strerror or error}; choose another --json"
        ) from error
