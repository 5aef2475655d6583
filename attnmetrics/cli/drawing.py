"""Commands that draw: the attention in one text, an atlas that is served, figures for print."""

import gc
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from os import environ
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from attnmetrics.cli.common import (
    LeastEvidence,
    RunFolder,
    Verbose,
    app,
    load_tables,
    print_line,
    read_numbers,
)
from attnmetrics.errors import ConfigError
from attnmetrics.storage import locate

Formats = Annotated[
    list[str] | None, typer.Option("--format", metavar="pdf|svg|png", help="may be given again (default: pdf)")
]


@app.command()
def view(
    kind: Annotated[Literal["head", "model", "neuron"], typer.Argument(help="which view", metavar="head|model|neuron")],
    text: Annotated[str, typer.Option(help="the text to look at", metavar="TEXT")],
    model: Annotated[str, typer.Option("--model", "-m", help="folder or name on the Hub", metavar="NAME")] = "demo",
    text_b: Annotated[
        str | None,
        typer.Option(help="a second text: of a pair, or for the decoder of an encoder-decoder", metavar="TEXT"),
    ] = None,
    generate: Annotated[
        int, typer.Option(min=0, help="pieces that a model adds, or a decoder writes", metavar="N")
    ] = 0,
    layer: Annotated[int | None, typer.Option(help="layer to open with", metavar="N")] = None,
    head: Annotated[
        str | None, typer.Option("--head", help="heads to open with, such as 0-3,6; of a neuron view one", metavar="N")
    ] = None,
    include_layers: Annotated[
        str | None, typer.Option("--include-layers", "--layers", help="layers in the page; unset: all", metavar="N")
    ] = None,
    include_heads: Annotated[
        str | None, typer.Option("--include-heads", "--heads", help="heads in the page, likewise", metavar="N")
    ] = None,
    words: Annotated[bool, typer.Option("--words", help="open with words instead of pieces")] = False,
    theme: Annotated[
        Literal["auto", "light", "dark"],
        typer.Option(help="auto: as the reader's system", metavar="auto|light|dark"),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the page (default: KIND.html)", metavar="PATH")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="open the page in a browser")] = False,
    verbose: Verbose = False,
) -> None:
    """Draw the attention in a text: a page with the head, model or neuron view."""
    environ.setdefault("OMP_NUM_THREADS", "1")  # for one text, threads wait for one another longer than they save
    given = {"layers": include_layers, "heads": include_heads}
    options = {f"include_{what}": read_numbers(text, what, f"include-{what}") for what, text in given.items() if text}
    chosen = _opened(kind, layer, None if head is None else read_numbers(head, "heads", "head"), words)
    texts = text if text_b is None else (text, text_b)
    with _without_collecting():
        from attnmetrics import views

        page = getattr(views, kind)(model, texts, generate=generate, theme=theme, **options, **chosen)
    saved = page.save(out or Path(f"{kind}.html")).absolute()
    print_line(f"view: {saved}")
    if open_page:
        webbrowser.open(saved.as_uri())


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Without looking for garbage, which makes loading a model and its libraries a seventh longer."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _opened(kind: str, layer: int | None, heads: tuple[int, ...] | None, words: bool) -> dict[str, Any]:
    """With what a view opens, as the view takes it.

    Raises:
        ConfigError: it has nothing of the kind.
    """
    if kind == "model" and (layer, heads) != (None, None):
        raise ConfigError(
            "the model view shows all heads: leave out --layer and --head, or choose with --include-layers"
        )
    if kind == "neuron" and (words or len(heads or ()) > 1):
        raise ConfigError("the neuron view shows one head between pieces: leave out --words, and give one --head")
    if kind == "model":
        return {"words": words}
    if kind == "head":
        return {"layer": layer, "heads": heads, "words": words}
    return {"layer": layer, "head": heads[0] if heads else None}


@app.command()
def serve(
    run: RunFolder,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="the model, where it is no more as in the run", metavar="NAME")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="open the page in a browser")] = False,
    trust_remote_code: Annotated[bool, typer.Option(help="run model code that comes with the weights")] = False,
    allow_pickle: Annotated[bool, typer.Option(help="load weights that are not safetensors")] = False,
    evidence: LeastEvidence = 0.05,
    verbose: Verbose = False,
) -> None:
    """Serve a run's atlas to this machine, with the three views of any sentence typed there."""
    import attnmetrics
    from attnmetrics.results.joined import with_probes
    from attnmetrics.running.fields import fields_of, results_by
    from attnmetrics.running.roles import page_roles
    from attnmetrics.running.runfile import read_facts
    from attnmetrics.views.atlas.page import render
    from attnmetrics.views.exemplars import typical_texts
    from attnmetrics.views.text import server

    folder = locate(run)
    with server.listen(port) as listener:
        data, exemplars = with_probes(load_tables(folder, evidence), folder), attnmetrics.exemplars(folder)
        facts = read_facts(folder) or {}
        frames = exemplars, attnmetrics.exemplar_attention(folder)
        by = [results_by(folder, field, is_with_intervals=True) for field in fields_of(folder)]
        beside = {"tokens": attnmetrics.tokens(folder), "roles": page_roles(folder, data), "by": by}
        page = render(data, *frames, facts, served=True, **beside)
        load = partial(server.model_of, facts, model, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)
        address = f"http://{server.HOST}:{listener.getsockname()[1]}/"
        print_line(f"atlas: {address} (Ctrl+C ends)")
        if open_page:
            webbrowser.open(address)
        server.run(server.application(page, load, facts, data, typical_texts(exemplars)), listener)


@app.command()
def figures(
    run: RunFolder,
    formats: Formats = None,
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="PATH", help="unset: figures/ in the run")] = None,
    evidence: LeastEvidence = 0.05,
    verbose: Verbose = False,
) -> None:
    """Write every figure of a run for print, a file each."""
    import attnmetrics
    from attnmetrics import plot

    folder = locate(run) / "figures" if out is None else locate(out)
    content = load_tables(locate(run), evidence), attnmetrics.exemplars(run)
    names = plot.write(*content, folder, formats or ["pdf"], attnmetrics.exemplar_attention(run))
    if (locate(run) / "probe.zarr").exists():
        names += plot.write_probes(attnmetrics.load_probe(run), folder, formats or ["pdf"])
    print_line(f"{len(names)} figures: {folder}")
