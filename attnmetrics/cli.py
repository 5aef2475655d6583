"""The command line. Heavy libraries are imported by the command that needs them, so that help is quick."""

import gc
import inspect
import sys
import types
import webbrowser
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper
from os import environ
from pathlib import Path
from traceback import format_exc
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from attnmetrics.config import (
    IMPORTANCE_UNITS,
    LossOf,
    Masking,
    ProbeConfig,
    RunConfig,
    build_config,
    build_probe_config,
    parse_numbers,
)
from attnmetrics.errors import AttnmetricsError, ConfigError, ShardError, StoreError
from attnmetrics.flags import Command, Commands
from attnmetrics.running.stopping import EXIT_INTERRUPTED
from attnmetrics.storage import Location, locate

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.console import RenderableType

    from attnmetrics.running.progress import Reporter

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_SHARDS_MISSING = 3

SHORT_FLAGS = {"model": "-m", "corpus": "-c", "out": "-o", "workers": "-w"}
OF_FILES = {"--corpus": "--corpus", "-c": "--corpus", "--treebank": "--treebank", "--test": "--test"}
"""Flags that several files may follow, and what is repeated for the others."""
REPEATABLE = ("corpus", "label", "link", "by", "treebank", "test")
DEMO = {"model": "demo", "corpus": ("demo",), "out": "runs/demo"}

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
Formats = Annotated[
    list[str] | None, typer.Option("--format", metavar="pdf|svg|png", help="may be given again (default: pdf)")
]
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
MetricName = Annotated[
    str | None,
    typer.Argument(help="a metric, such as entropy or pos_to; relation; coreference; paper; probe; unset: the summary"),
]


def takes_config(command: Callable[..., None], kind: type[BaseModel] = RunConfig) -> Callable[..., None]:
    """Give a command a flag for every field of a configuration; what was given arrives as `values`."""

    def wrapper(**arguments: Any) -> None:
        fields = {name: arguments.pop(name) for name in kind.model_fields}
        command(values={name: value for name, value in fields.items() if value not in (None, [])}, **arguments)

    own = [item for item in inspect.signature(command).parameters.values() if item.name != "values"]
    flags = [_flag(name, field) for name, field in kind.model_fields.items()]
    wrapper.__signature__ = inspect.Signature([*flags, *own])  # type: ignore[attr-defined]
    wrapper.__doc__ = command.__doc__
    wrapper.__name__ = command.__name__
    return wrapper


def _flag(name: str, field: FieldInfo) -> inspect.Parameter:
    """The parameter of one field. Values arrive as text and are checked by the configuration, in one place."""
    flags = ["--" + name.replace("_", "-"), *([SHORT_FLAGS[name]] if name in SHORT_FLAGS else [])]
    shown = "" if field.is_required() or field.default in (None, {}, (), False) else f" (default: {field.default})"
    help_text = f"{field.description}{shown}"
    if field.annotation is bool:
        flags = [f"{flags[0]}/--no-{flags[0][2:]}"] if field.default else flags
        kind: Any = Annotated[bool | None, typer.Option(*flags, help=help_text, show_default=False)]
    else:
        container = list[str] if name in REPEATABLE else str
        option = typer.Option(*flags, help=help_text, metavar=_metavar(name, field.annotation), show_default=False)
        kind = Annotated[container | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def _metavar(name: str, annotation: Any) -> str:
    if name in ("corpus", "out", "annotations", "treebank", "test", "word_vectors"):
        return "PATH"
    if name in ("label", "link"):
        return "NAME=SOURCE"
    if name == "by":
        return "FIELD"
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    numbers = {"int": "N", "float": "SHARE" if name == "confidence" else "X"}
    return "|".join(choices) or next((sign for kind, sign in numbers.items() if kind in str(annotation)), "NAME")


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

    Console().print(plan_run(build_config(values, config), _reporter(quiet)))


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
    run_annotate(settings, _reporter(quiet))
    _print(f"annotations: {settings.annotation_folder}")


@app.command(cls=Command)
@takes_config
def measure(
    values: dict[str, Any], *, config: ConfigFile = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """Only measure what is annotated. Needs no pipeline."""
    from attnmetrics.running.driver import run_measure

    settings = build_config(values, config)
    run_measure(settings, _reporter(quiet))
    _print(f"measured; next: attnmetrics merge {settings.out}")


@app.command()
def merge(
    run: RunFolder,
    allow_missing: AllowMissing = False,
    confidence: Annotated[float | None, typer.Option(help="of intervals; unset: as the run was")] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Only merge: from measured shards to tables and report. Needs no model and no corpus."""
    from attnmetrics.running.driver import merge_run

    folder = locate(run)
    _finish(folder, merge_run(folder, _reporter(quiet), allow_missing, confidence), quiet)


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
    from attnmetrics.views.importance import show_importance

    folder = locate(run)
    given = {"engine": engine, "workers": workers, "threads": threads, "address": address}
    changed = {name: value for name, value in given.items() if value is not None}
    run_importance(folder, Options(units, mlm, loss), _reporter(quiet), **changed)
    if not quiet:
        Console().print(show_importance(_load(folder)))
    _print(f"report: {folder / 'report' / 'index.html'}")


@app.command(cls=Command)
@partial(takes_config, kind=ProbeConfig)
def probe(values: dict[str, Any], *, run: RunFolder, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Learn a treebank's trees from a run's attention, and try what was learned on another treebank."""
    from rich.console import Console

    from attnmetrics.running.probing import probe as probe_run
    from attnmetrics.views.probes import show_probes

    folder = locate(run)
    dataset = probe_run(folder, build_probe_config(values), _reporter(quiet))
    if not quiet:
        Console().print(show_probes(dataset))
    _print(f"probes: {folder / 'probe.zarr'}; attnmetrics merge {folder} puts them into the report, with the paper's")


@app.command()
def status(run: RunFolder, verbose: Verbose = False) -> None:
    """Say how far a run is."""
    from rich.console import Console

    from attnmetrics.running.driver import progress_of
    from attnmetrics.views.terminal import show_status

    folder = locate(run)
    Console().print(show_status(folder, progress_of(folder)))


@app.command()
def show(
    run: RunFolder,
    metric: MetricName = None,
    label: Annotated[
        str | None, typer.Option(help="which of a metric's labels: a tag, a relation, an offset; of papers")
    ] = None,
    rel: Annotated[str | None, typer.Option(help="with relation: which one, such as obj")] = None,
    layer: Annotated[int | None, typer.Option(help="with --head: the profile of one head")] = None,
    head: Annotated[int | None, typer.Option(help="with --layer: the profile of one head")] = None,
    exemplars: Annotated[bool, typer.Option("--exemplars", help="with --layer and --head: its sentences")] = False,
    other: Annotated[
        str | None, typer.Option("--run", help="of a comparison: which run against the first; unset: the last")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="how many heads or sentences")] = 10,
    by: Annotated[
        str | None,
        typer.Option(metavar="FIELD[=VALUE]", help="by the values of a field that the run is split by, or one of them"),
    ] = None,
    evidence: LeastEvidence = 0.05,
    verbose: Verbose = False,
) -> None:
    """Show the tables of a run, or of a comparison: the summary, a metric, one head, what finds relations, a paper."""
    from rich.console import Console

    import attnmetrics
    from attnmetrics.running.runfile import read_facts
    from attnmetrics.views import terminal
    from attnmetrics.views.tables import unit_word

    if by is not None:
        Console().print(_by(run, by, metric, label, (layer, head), top))
        return
    _check_view(metric, label, layer, head, exemplars)
    if (locate(run) / "comparison.zarr").exists():
        Console().print(_compared(run, metric, label, top, other, layer, head))
        return
    if other is not None:
        raise ConfigError(f"--run {other} is one of a comparison's: {run} is a run itself; leave it out")
    if metric == "probe":
        from attnmetrics.views.probes import show_probes

        Console().print(show_probes(attnmetrics.load_probe(run), top))
        return
    if rel is not None and metric != "relation":
        raise ConfigError(f"--rel {rel} is a relation: say attnmetrics show RUN relation --rel {rel}")
    dataset = _load(locate(run), evidence)
    if layer is not None and head is not None:
        frame = attnmetrics.exemplars(run)
        view = (
            terminal.show_exemplars(frame, layer, head, top, unit_word(dataset))
            if exemplars
            else _head(dataset, run, frame, (layer, head), top)
        )
    elif metric in ("relation", "coreference"):
        view = _words(dataset, run, metric, rel, top)
    elif metric == "paper" and metric not in dataset:
        from attnmetrics.results.joined import with_probes
        from attnmetrics.views.papers.comparison import show_paper

        view = show_paper(with_probes(dataset, locate(run)), label)
    elif metric == "importance" and metric in dataset and label is None:
        from attnmetrics.views.importance import show_importance

        view = show_importance(dataset)
    elif metric is not None:
        view = terminal.show_metric(dataset, metric, top=top, label=label)
    else:
        view = terminal.summary(dataset, read_facts(locate(run)) or {})
    Console().print(view)


def _by(
    run: str, asked: str, metric: str | None, label: str | None, place: tuple[int | None, int | None], top: int
) -> "RenderableType":
    """Results by the values of a field, or those of one value."""
    from attnmetrics.running.fields import find_values, results_by
    from attnmetrics.views.by import show_by, show_by_metric, show_value

    field, values = find_values(locate(run), asked)
    data = results_by(locate(run), field, is_with_intervals=True)
    _check_view(None, None, *place, exemplars=False)
    if asked != field and len(values) == 1:
        return show_value(data, values[0], metric, label, place, top)
    chosen = data.sel({field: values})
    return show_by(chosen) if metric is None else show_by_metric(chosen, metric, label, place, top)


def _compared(
    folder: str,
    metric: str | None,
    label: str | None,
    top: int,
    run: str | None,
    layer: int | None,
    head: int | None,
) -> "RenderableType":
    """A comparison: all of it, one result, or one head."""
    from attnmetrics.comparing.outputs import load_role_changes
    from attnmetrics.results.comparison import load_comparison
    from attnmetrics.views.compared import show_compared_head, show_compared_metric, show_comparison

    data = load_comparison(locate(folder))
    if layer is not None and head is not None:
        return show_compared_head(data, layer, head, run)
    if metric is None:
        return show_comparison(data, load_role_changes(locate(folder)), run)
    return show_compared_metric(data, metric, top, label, run)


def _head(
    data: "xr.Dataset", run: str, exemplars: "pd.DataFrame", place: tuple[int, int], top: int
) -> "RenderableType":
    """One head: what it does in one sentence, its profile, its pieces, typical sentences."""
    from rich.console import Group
    from rich.text import Text

    import attnmetrics
    from attnmetrics.views import terminal
    from attnmetrics.views.evidence import least
    from attnmetrics.views.roles import show_like, show_sentence
    from attnmetrics.views.tables import unit_word
    from attnmetrics.views.tokens import show_tokens

    known = attnmetrics.roles(run, evidence=least(data))
    profile = terminal.show_head(data, *place, [show_sentence(known, *place)])
    like = show_like(attnmetrics.nearest_heads(run, *place, number=5), known)
    pieces = show_tokens(attnmetrics.tokens(run), *place, top)
    typical = terminal.show_typical(exemplars, *place, unit_word(data))
    return Group(profile, Text(), like, Text(), pieces, *typical)


def _words(data: "xr.Dataset", run: str, what: str, rel: str | None, top: int) -> "RenderableType":
    """What heads find between words: all relations, one, or coreference."""
    import attnmetrics
    from attnmetrics.views import relation_tables

    if what == "relation" and rel is None:
        return relation_tables.show_relations(data)
    frame, few = attnmetrics.exemplars(run), min(top, 3)
    if rel is None:
        return relation_tables.show_coreference(data, frame, few)
    return relation_tables.show_relation(data, frame, rel, few)


@app.command()
def roles(
    run: RunFolder,
    question: Annotated[
        str | None, typer.Option(metavar="NAME", help="only this one: syntax, position, inactive, copying, or your own")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="only heads of this role, such as previous or 'part of speech: DET'"),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML file of rules that come before the package's own")
    ] = None,
    sentences: Annotated[bool, typer.Option("--sentences", help="with each head's sentence")] = False,
    evidence: LeastEvidence = 0.05,
    families: Annotated[bool, typer.Option("--families", help="heads with like profiles, named by roles")] = False,
    top: Annotated[int, typer.Option(min=1, help="how many heads of a list are told in full")] = 10,
    verbose: Verbose = False,
) -> None:
    """Say which heads follow syntax, which are only position, which are switched off, which copy."""
    from rich.console import Console

    import attnmetrics
    from attnmetrics.describing.questions import answer, answers, of_role
    from attnmetrics.describing.rules import read_rules
    from attnmetrics.views.roles import show_answers, show_families

    if (question is not None) + (role is not None) + families > 1:
        raise ConfigError("a list is by question, by role or by family: give one of --question, --role, --families")
    if families:
        Console().print(show_families(attnmetrics.families(run)))
        return
    changed = None if evidence == 0.05 else evidence  # as the package's rules have it
    known, frame = read_rules(rules), attnmetrics.roles(run, rules=rules, evidence=changed)
    one = answer(known, frame, question) if question else of_role(known, frame, role) if role else None
    found = answers(known, frame) if one is None else [one]
    Console().print(show_answers(found, frame, top, sentences))


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
    from attnmetrics.views.compared import show_comparison

    places, say = [locate(run) for run in runs], _reporter(quiet).say
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
    _print(f"comparison: {folder}; a result: attnmetrics show {folder} entropy")
    _print(f"report: {folder / 'report' / 'index.html'}")


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
    options = {f"include_{what}": _numbers(text, what, f"include-{what}") for what, text in given.items() if text}
    chosen = _opened(kind, layer, None if head is None else _numbers(head, "heads", "head"), words)
    texts = text if text_b is None else (text, text_b)
    with _without_collecting():
        from attnmetrics import views

        page = getattr(views, kind)(model, texts, generate=generate, theme=theme, **options, **chosen)
    saved = page.save(out or Path(f"{kind}.html")).absolute()
    _print(f"view: {saved}")
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


def _numbers(text: str, what: str, flag: str | None = None) -> tuple[int, ...]:
    """Layers or heads of a flag, which is named by them if unset."""
    try:
        return parse_numbers(text, what)
    except ValueError as error:
        raise ConfigError(f"--{flag or what}: {error}; found {text[:80]!r}") from None


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
    from attnmetrics.views import atlas, server
    from attnmetrics.views.exemplars import typical_texts

    folder = locate(run)
    with server.listen(port) as listener:
        data, exemplars = with_probes(_load(folder, evidence), folder), attnmetrics.exemplars(folder)
        facts = read_facts(folder) or {}
        frames = exemplars, attnmetrics.exemplar_attention(folder)
        by = [results_by(folder, field, is_with_intervals=True) for field in fields_of(folder)]
        beside = {"tokens": attnmetrics.tokens(folder), "roles": page_roles(folder, data), "by": by}
        page = atlas.render(data, *frames, facts, served=True, **beside)
        load = partial(server.model_of, facts, model, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle)
        address = f"http://{server.HOST}:{listener.getsockname()[1]}/"
        _print(f"atlas: {address} (Ctrl+C ends)")
        if open_page:
            webbrowser.open(address)
        server.run(server.application(page, load, facts, data, typical_texts(exemplars)), listener)


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
    given |= {what: _numbers(text, what) for what, text in (("layers", layers), ("heads", heads)) if text is not None}
    options = {name: value for name, value in (given | flags).items() if value is not None}
    folder = attnmetrics.export(run, format=format, out=out, **options)
    _print(f"{format}: {folder}; README.md in it says what is what")


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
        console.print(costs(bench_families(course, _reporter(False).say)))
        return

    def show(lines: Sequence[Line]) -> None:
        console.print(*of_race(lines), sep="\n")

    outcome = run_bench(course, sentences, whole_run, _reporter(False).say, show)
    console.print(*beside_races(outcome), sep="\n")
    if json is not None:
        _write_json(json, outcome.plain())


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
    content = _load(locate(run), evidence), attnmetrics.exemplars(run)
    names = plot.write(*content, folder, formats or ["pdf"], attnmetrics.exemplar_attention(run))
    if (locate(run) / "probe.zarr").exists():
        names += plot.write_probes(attnmetrics.load_probe(run), folder, formats or ["pdf"])
    _print(f"{len(names)} figures: {folder}")


def _check_view(metric: str | None, label: str | None, layer: int | None, head: int | None, exemplars: bool) -> None:
    """Refuse options that would have no effect."""
    if (layer is None) != (head is None):
        raise ConfigError("a head has two numbers: give both --layer and --head")
    if exemplars and head is None:
        raise ConfigError("exemplars are those of one head: give --layer and --head too")
    if label is not None and metric is None:
        raise ConfigError(f"--label {label} is one of a metric's labels: name the metric too, such as pos_to")
    if metric is not None and head is not None:
        raise ConfigError(f"the profile of a head has all metrics: leave out {metric}, or --layer and --head")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: every error of ours is a message and an exit code, not a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _replace_what_cannot_be_shown()
    try:
        code = app(spread(given) or ["--help"], standalone_mode=False)
    except AttnmetricsError as error:
        _complain(format_exc() if {"-v", "--verbose"} & set(given) else str(error))
        code = EXIT_SHARDS_MISSING if isinstance(error, ShardError) else EXIT_ERROR
    except MemoryError as error:
        reason = f" ({error})" if str(error) else ""
        _complain(f"out of memory{reason}; what is committed is kept: run the same command with more memory to go on")
        code = EXIT_ERROR
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except typer.TyperException as error:
        message = getattr(error, "format_message", error.__str__)()
        _complain(f"{message.rstrip('.')}; see attnmetrics --help")
        code = EXIT_USAGE
    sys.exit(code or (0 if given else EXIT_USAGE))


def _replace_what_cannot_be_shown() -> None:
    """A terminal or a log that is not UTF-8 shows `?` for a character that it does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def spread(arguments: Iterable[str]) -> list[str]:
    """`--corpus a b` as `--corpus a --corpus b`, so that a shell's glob can follow the flag."""
    result: list[str] = []
    flag, flag_open = "", False
    for argument in arguments:
        if argument in OF_FILES:
            flag, flag_open = OF_FILES[argument], True
        elif argument.startswith("-"):
            flag = ""
        elif flag and not flag_open:
            result.append(flag)
        else:
            flag_open = False
        result.append(argument)
    return result


def _run(config: RunConfig, quiet: bool) -> None:
    from attnmetrics.running.driver import run

    _finish(config.out, run(config, _reporter(quiet)), quiet)


def _finish(folder: Location, facts: dict[str, Any], quiet: bool) -> None:
    from rich.console import Console

    import attnmetrics
    from attnmetrics.views.terminal import summary

    if not quiet:
        Console().print(summary(attnmetrics.load(folder, with_intervals=True), facts))
    _print(f"report: {folder / 'report' / 'index.html'}")


def _load(folder: Location, evidence: float | None = None) -> "xr.Dataset":
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


def _write_json(path: Path, content: dict[str, Any]) -> None:
    from json import dumps

    try:
        path.write_text(dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"expected to write {path}, found: {error.strerror or error}; choose another --json"
        ) from error


def _reporter(quiet: bool) -> "Reporter":
    from attnmetrics.running.progress import Reporter

    return Reporter(quiet)


def _print(line: str) -> None:
    from attnmetrics.running.progress import printable

    typer.echo(printable(line))


def _complain(message: str) -> None:
    from attnmetrics.running.progress import printable

    typer.echo(f"attnmetrics: {printable(message)}", err=True)
