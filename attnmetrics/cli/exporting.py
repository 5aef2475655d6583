"""The command that writes a run for other programs."""

from typing import Annotated, Any, Literal

import typer

from attnmetrics.cli.common import RunFolder, Verbose, app, print_line, read_numbers


@app.command()
def export(
    run: RunFolder,
    format: Annotated[Literal["headvis", "csv", "json"], typer.Option("--format", help="for which program")],
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="PATH", help="a new folder (default: export/FORMAT in the run)")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="layers to export, such as 0-3,6; unset: all")] = None,
    heads: Annotated[str | None, typer.Option(help="heads to export, likewise")] = None,
    sequences: Annotated[
        int | None, typer.Option(min=1, help="headvis: sentences of each head and interval (default: 5)")
    ] = None,
    no_typical: Annotated[
        bool, typer.Option("--no-typical", help="headvis: only sentences whose attention the run kept; needs no model")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="headvis: the model, where it is no more as in the run", metavar="NAME"),
    ] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="run model code that comes with the weights")] = False,
    allow_pickle: Annotated[bool, typer.Option(help="load weights that are not safetensors")] = False,
    verbose: Verbose = False,
) -> None:
    """Write a run's tables as CSV or JSON, or its heads for the HeadVis front end."""
    import attnmetrics

    given: dict[str, Any] = {"sequences": sequences, "typical": False if no_typical else None, "model": model}
    flags = {"trust_remote_code": trust_remote_code or None, "allow_pickle": allow_pickle or None}
    places = {"layers": layers, "heads": heads}
    given |= {what: read_numbers(text, what) for what, text in places.items() if text is not None}
    options = {name: value for name, value in (given | flags).items() if value is not None}
    folder = attnmetrics.export(run, format=format, out=out, **options)
    print_line(f"{format}: {folder}; README.md in it says what is what")
