"""Commands that show tables in the terminal."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnmetrics.cli.common import LeastEvidence, RunFolder, Verbose, app, load_tables
from attnmetrics.errors import ConfigError
from attnmetrics.storage import locate

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import RenderableType

MetricName = Annotated[
    str | None,
    typer.Argument(help="a metric, such as entropy or pos_to; relation; coreference; paper; probe; unset: the summary"),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown of a run; flags that are unset are None."""

    metric: str | None
    label: str | None
    rel: str | None
    layer: int | None
    head: int | None
    exemplars: bool
    other: str | None
    top: int

    @property
    def place(self) -> tuple[int, int] | None:
        """The head that is asked for, if one is."""
        return None if self.layer is None or self.head is None else (self.layer, self.head)


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

    asked = Asked(metric, label, rel, layer, head, exemplars, other, top)
    if by is not None:
        Console().print(_by(run, by, asked))
        return
    _check(asked)
    if (locate(run) / "comparison.zarr").exists():
        Console().print(_compared(run, asked))
        return
    if other is not None:
        raise ConfigError(f"--run {other} is one of a comparison's: {run} is a run itself; leave it out")
    Console().print(_probes(run, top) if metric == "probe" else _of_run(run, asked, evidence))


def _check(asked: Asked) -> None:
    """Refuse options that would have no effect.

    Raises:
        ConfigError: there are such.
    """
    metric, head = asked.metric, asked.head
    if (asked.layer is None) != (head is None):
        raise ConfigError("a head has two numbers: give both --layer and --head")
    if asked.exemplars and head is None:
        raise ConfigError("exemplars are those of one head: give --layer and --head too")
    if asked.label is not None and metric is None:
        raise ConfigError(f"--label {asked.label} is one of a metric's labels: name the metric too, such as pos_to")
    if metric is not None and head is not None:
        raise ConfigError(f"the profile of a head has all metrics: leave out {metric}, or --layer and --head")
    if asked.rel is not None and metric != "relation":
        raise ConfigError(f"--rel {asked.rel} is a relation: say attnmetrics show RUN relation --rel {asked.rel}")


def _of_run(run: str, asked: Asked, evidence: float) -> "RenderableType":
    """What is asked for of a run itself."""
    from attnmetrics.running.runfile import read_facts
    from attnmetrics.views.terminal.summary import summary

    data = load_tables(locate(run), evidence)
    if asked.place is not None:
        return (_exemplars if asked.exemplars else _head)(data, run, asked.place, asked.top)
    if asked.metric is None:
        return summary(data, read_facts(locate(run)) or {})
    return _metric(data, run, asked.metric, asked)


def _metric(data: "xr.Dataset", run: str, metric: str, asked: Asked) -> "RenderableType":
    """One result, or several that answer one question."""
    from attnmetrics.views.terminal.metric import show_metric

    if metric in ("relation", "coreference"):
        return _words(data, run, metric, asked)
    if metric == "paper" and metric not in data:
        from attnmetrics.results.joined import with_probes
        from attnmetrics.views.papers.comparison import show_paper

        return show_paper(with_probes(data, locate(run)), asked.label)
    if metric == "importance" and metric in data and asked.label is None:
        from attnmetrics.views.terminal.importance import show_importance

        return show_importance(data)
    return show_metric(data, metric, top=asked.top, label=asked.label)


def _probes(run: str, top: int) -> "RenderableType":
    """What probes learned from a run's attention."""
    import attnmetrics
    from attnmetrics.views.terminal.probes import show_probes

    return show_probes(attnmetrics.load_probe(run), top)


def _by(run: str, named: str, asked: Asked) -> "RenderableType":
    """Results by the values of a field, or those of one value."""
    from attnmetrics.running.fields import find_values, results_by
    from attnmetrics.views.terminal.by import show_by, show_by_metric, show_value

    field, values = find_values(locate(run), named)
    data = results_by(locate(run), field, is_with_intervals=True)
    place = asked.layer, asked.head
    _check(replace(asked, metric=None, label=None, rel=None, exemplars=False))
    if named != field and len(values) == 1:
        return show_value(data, values[0], asked.metric, asked.label, place, asked.top)
    chosen = data.sel({field: values})
    if asked.metric is None:
        return show_by(chosen)
    return show_by_metric(chosen, asked.metric, asked.label, place, asked.top)


def _compared(folder: str, asked: Asked) -> "RenderableType":
    """A comparison: all of it, one result, or one head."""
    from attnmetrics.comparing.outputs import load_role_changes
    from attnmetrics.results.comparison import load_comparison
    from attnmetrics.views.terminal.comparison import show_compared_head, show_compared_metric, show_comparison

    data = load_comparison(locate(folder))
    if asked.place is not None:
        return show_compared_head(data, *asked.place, asked.other)
    if asked.metric is None:
        return show_comparison(data, load_role_changes(locate(folder)), asked.other)
    return show_compared_metric(data, asked.metric, asked.top, asked.label, asked.other)


def _exemplars(data: "xr.Dataset", run: str, place: tuple[int, int], top: int) -> "RenderableType":
    """The sentences of one head."""
    import attnmetrics
    from attnmetrics.views.tables import unit_word
    from attnmetrics.views.terminal.exemplars import show_exemplars

    return show_exemplars(attnmetrics.exemplars(run), *place, top, unit_word(data))


def _head(data: "xr.Dataset", run: str, place: tuple[int, int], top: int) -> "RenderableType":
    """One head: what it does in one sentence, its profile, its pieces, typical sentences."""
    from rich.console import Group
    from rich.text import Text

    import attnmetrics
    from attnmetrics.describing.rules import read_rules
    from attnmetrics.describing.tables import Tables
    from attnmetrics.views.evidence import least
    from attnmetrics.views.roles import with_rules
    from attnmetrics.views.tables import unit_word
    from attnmetrics.views.terminal.exemplars import show_typical
    from attnmetrics.views.terminal.head import show_head
    from attnmetrics.views.terminal.roles import show_like, show_sentence
    from attnmetrics.views.terminal.tokens import show_tokens

    known = with_rules(read_rules(None), Tables.of(data), attnmetrics.roles(run, evidence=least(data)))
    profile = show_head(data, *place, [show_sentence(known, *place)])
    like = show_like(attnmetrics.nearest_heads(run, *place, number=5), known)
    pieces = show_tokens(attnmetrics.tokens(run), *place, top)
    typical = show_typical(attnmetrics.exemplars(run), *place, unit_word(data))
    return Group(profile, Text(), like, Text(), pieces, *typical)


def _words(data: "xr.Dataset", run: str, what: str, asked: Asked) -> "RenderableType":
    """What heads find between words: all relations, one, or coreference."""
    import attnmetrics
    from attnmetrics.views.terminal.relations import show_coreference, show_relation, show_relations

    if what == "relation" and asked.rel is None:
        return show_relations(data)
    frame, few = attnmetrics.exemplars(run), min(asked.top, 3)
    if asked.rel is None:
        return show_coreference(data, frame, few)
    return show_relation(data, frame, asked.rel, few)


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
    from attnmetrics.describing.tables import Tables
    from attnmetrics.views.misses import near_answers
    from attnmetrics.views.roles import with_rules
    from attnmetrics.views.terminal.roles import show_answers, show_families

    if (question is not None) + (role is not None) + families > 1:
        raise ConfigError("a list is by question, by role or by family: give one of --question, --role, --families")
    if families:
        Console().print(show_families(attnmetrics.families(run)))
        return
    changed = None if evidence == 0.05 else evidence  # as the package's rules have it
    known, frame = read_rules(rules), attnmetrics.roles(run, rules=rules, evidence=changed)
    tables = Tables.of(attnmetrics.load(run, with_intervals=True))
    frame = with_rules(known, tables, frame)
    one = answer(known, frame, question) if question else of_role(known, frame, role) if role else None
    found = answers(known, frame) if one is None else [one]
    Console().print(show_answers(found, frame, top, sentences, near_answers(known, tables, frame)))
