"""What every attention head of a Transformer language model does, over any amount of text.

import attnmetrics

metrics = attnmetrics.run(model="gpt2", corpus="texts/*.txt", out="runs/gpt2")   # an xarray Dataset
metrics = attnmetrics.load("runs/gpt2")                                          # later
sentences = attnmetrics.exemplars("runs/gpt2")                                   # a pandas DataFrame
pieces = attnmetrics.tokens("runs/gpt2")                                         # another
attnmetrics.plot.distance(metrics)                                               # matplotlib axes

Labels and links of your own have the results that parts of speech and dependencies have:

metrics = attnmetrics.run(
    model="gpt2", corpus="treebank.conllu", out="runs/animacy",
    label={"animacy": "word.misc.Animacy"}, link={"siblings": "python:my_words:siblings"},
)
metrics["animacy_to"].sel(animacy="human")                                       # [layer, head]
metrics["siblings_excess"]                                                       # beyond what distances give
"""

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import xarray as xr

    from attnmetrics import plot, views
    from attnmetrics.storage import Location

__all__ = [
    "compare",
    "exemplar_attention",
    "exemplars",
    "export",
    "families",
    "importance",
    "intervals",
    "load",
    "load_by",
    "load_comparison",
    "load_probe",
    "nearest_heads",
    "plot",
    "probe",
    "roles",
    "run",
    "tokens",
    "views",
]


def __getattr__(name: str) -> Any:
    """`plot` and `views`, imported when they are asked for: they take a second."""
    if name in ("plot", "views"):
        return import_module(f"attnmetrics.{name}")
    raise AttributeError(f"module 'attnmetrics' has no attribute {name!r}")


def run(*, config_file: str | PathLike[str] | None = None, quiet: bool = True, **options: Any) -> "xr.Dataset":
    """Annotate, measure and merge, as `attnmetrics run` does, and give the results.

    Args:
        config_file: YAML file of options; keyword options win over it.
        quiet: show no progress.
        **options: the fields of `attnmetrics.config.RunConfig`: model, corpus, out, …

    Returns:
        the Dataset that `load` gives.

    Raises:
        attnmetrics.errors.AttnmetricsError: what is wrong and what to do.
    """
    from attnmetrics.config import build_config
    from attnmetrics.running.driver import run as run_all
    from attnmetrics.running.progress import Reporter

    config = build_config(options, None if config_file is None else Path(config_file))
    run_all(config, Reporter(quiet))
    return load(config.out)


def load(run: "str | PathLike[str] | Location", *, with_intervals: bool = False) -> "xr.Dataset":
    """The results of a finished run, with labelled dimensions, units, formulas and sources.

    `attrs["model"]`, `attrs["corpus"]` and `attrs["made"]` are what figures say of the run.

    Args:
        run: the run's folder, or its URL.
        with_intervals: also those of `intervals`, as coordinates `<name>_interval`, which `plot` draws by layer, and
            some results by halves of the shards, `<name>_halves` [shards, …], by which views choose heads.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.results import joined
    from attnmetrics.results.dataset import load as load_results
    from attnmetrics.results.halves import FILE
    from attnmetrics.running.runfile import read_facts
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate
    from attnmetrics.views.facts import run_names

    check(locate(run), "results.zarr")
    results = load_results(locate(run) / "results.zarr").assign_attrs(run_names(read_facts(locate(run)) or {}))
    if not with_intervals:
        return results
    sure = joined.with_intervals(results, intervals(run) if (locate(run) / joined.INTERVALS).exists() else None)
    if not (locate(run) / FILE).exists():
        return sure
    check(locate(run), FILE)
    return joined.with_halves(sure, load_results(locate(run) / FILE))


def load_by(run: "str | PathLike[str] | Location", field: str, *, with_intervals: bool = False) -> "xr.Dataset":
    """The results of a finished run by the values of a field of documents: every table of `load`, [field, …].

    `load_by(RUN, "genre")["entropy"].sel(genre="news")` is what `load` would give of a run over the documents of that
    value alone. A document without the field is among those of `(none)`.

    Args:
        run: the run's folder, or its URL.
        field: one that the run is split by (`--by`, or `by=` of `attnmetrics.run`).
        with_intervals: also those of `intervals`, as coordinates `<name>_interval`.

    Raises:
        attnmetrics.errors.ConfigError: the run is not split by this field.
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.running.fields import results_by
    from attnmetrics.storage import locate

    return results_by(locate(run), field, with_intervals)


def importance(run: "str | PathLike[str] | Location") -> "xr.Dataset":
    """How much the loss of a run's model depends on attention, where `attnmetrics importance` measured it.

    `importance` [layer, head, special, kind] and what stands beside it: weights, lengths of values, numbers of pairs,
    units and predicted pieces, the loss.

    Args:
        run: the run's folder, or its URL.

    Raises:
        attnmetrics.errors.StoreError: it was not measured in this run.
    """
    from attnmetrics.results.importance import FILE, load_importance
    from attnmetrics.running.importance import require
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    require(locate(run))
    check(locate(run), FILE)
    return load_importance(locate(run))


def intervals(run: "str | PathLike[str] | Location", *, by: str | None = None) -> "xr.Dataset":
    """How sure the results of a finished run are: of each that is no count, bounds by a bootstrap of its shards.

    A variable has the name and the dimensions of its result, and a last one, `bound`: `low`, `high`. `<name>_groups` is
    the number of groups of shards with evidence for the value, `<name>_rank` [layer, head, bound] holds the bounds of
    the heads' ranks, 1 for the highest.

    Args:
        run: the run's folder, or its URL.
        by: a field of documents that the run is split by: the intervals of `load_by`.

    Raises:
        attnmetrics.errors.ConfigError: the run is not split by this field.
        attnmetrics.errors.StoreError: the folder holds no finished run, or one without intervals.
    """
    from attnmetrics.results.intervals import FILE, load_intervals
    from attnmetrics.running.fields import intervals_by
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    if by is not None:
        return intervals_by(locate(run), by)
    check(locate(run), FILE)
    return load_intervals(locate(run))


def exemplars(
    run: "str | PathLike[str] | Location", *, claim: str | None = None, bucket: str | None = None
) -> "pd.DataFrame":
    """The exemplars of a finished run.

    Columns: layer, head, claim, bucket, rank, weight, document, sentence, i, j, text, pieces, right. `claim` is empty
    in rows of a head's strongest pairs and of typical sentences, else what a row answers, such as `pos_to:DET`,
    `dependency:either`, `previous`, `relation:obj:hit`. In those of `relation:obj:miss` and its like `right` has the
    places of the pieces of the word that is right by the annotation, none where it stands in a sentence that is not
    shown; elsewhere None. `bucket` is `top`, or of typical ones `0-20` … `80-100`: of 500
    sentences by hash, the same for all heads, a head's are ordered by their largest weight and cut into five parts, and
    of each part five are listed. Ranks restart in every claim and bucket.

    Args:
        run: the run's folder, or its URL.
        claim: only rows with this one; "" for those that answer none.
        bucket: only rows with this one.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.results.exemplars import load_exemplars
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    check(locate(run), "exemplars.parquet")
    frame = load_exemplars(locate(run) / "exemplars.parquet")
    given = {"claim": claim, "bucket": bucket}
    for column, wanted in given.items():
        frame = frame if wanted is None else frame[frame[column] == wanted]
    return frame.reset_index(drop=True)


def tokens(run: "str | PathLike[str] | Location") -> "pd.DataFrame":
    """The types of pieces that each head of a finished run attends to most, and those that attend.

    Columns: layer, head, side, rank, piece, piece_id, attention, occurrences, lift. On the side `key`, `attention` is
    Σ F received by all of a type's pieces that are not null, and `lift` this ÷ what even attention would give them; on
    the side `query`, Σ F given by all of its pieces, and this ÷ their number, which is the share that is off null. By
    lift, 50 types at most, of those that occur often enough (`--token-occurrences`); a type without any attention is
    not listed, and no `query` where nothing is null.

    Args:
        run: the run's folder, or its URL.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.results.tokens import FILE, load_tokens
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    check(locate(run), FILE)
    return load_tokens(locate(run) / FILE)


def roles(
    run: "str | PathLike[str] | Location",
    *,
    rules: str | PathLike[str] | None = None,
    role: str | None = None,
    question: str | None = None,
    evidence: float | None = None,
) -> "pd.DataFrame":
    """What each head of a finished run does: a row for each role of a head, and one for a head without any.

    Columns: layer, head, role, detail (tag, relation and direction, piece), score, low, high, chance, evidence (share
    of the head's attention that is off null), contradicts (roles that it would have but for this one), sentence (one
    a head, in its first row).

    Args:
        run: the run's folder, or its URL.
        rules: YAML file of rules that come before the package's own; unset: the roles as the merge found them.
        role: only rows of this role, such as `previous`, or `part of speech: DET`; the clearest head first.
        question: only rows of heads that answer it: `syntax`, `position`, `inactive`, `copying`; likewise.
        evidence: heads with less of their attention off null pieces are nearly switched off, and have no other role;
            unset: as the rules have it, 0.05.

    Raises:
        attnmetrics.errors.ConfigError: the file holds no rules, or the rules have no such role or question.
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.running.roles import roles_of

    return roles_of(run, rules, role, question, evidence)


def nearest_heads(run: "str | PathLike[str] | Location", layer: int, head: int, *, number: int = 8) -> "pd.DataFrame":
    """The heads of a finished run that are most like one, the nearest first.

    Columns: layer, head, `profile_distance` (0 to 1: how much of the attention would have to move for the heads to have
    the same shares of parts of speech, relations, offsets and null pieces, the mean of the four), and `head_distance`,
    the divergence of the heads' attention itself, NaN where it was not measured.

    Args:
        run: the run's folder, or its URL.
        layer: of the head.
        head: of the layer.
        number: of heads, at most.

    Raises:
        attnmetrics.errors.ConfigError: the run has no such head.
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.running.roles import nearest_heads as find_nearest

    return find_nearest(run, layer, head, number)


def families(run: "str | PathLike[str] | Location") -> "pd.DataFrame":
    """Heads of a finished run with like profiles, in families that are named by the roles of their heads.

    Columns: layer, head, family (from 0 by size), name; a row for every head with evidence.

    Args:
        run: the run's folder, or its URL.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.running.roles import find_families

    return find_families(run)


def exemplar_attention(run: "str | PathLike[str] | Location") -> "pd.DataFrame":
    """The attention in the first exemplars of a finished run, and in those of relations.

    Columns: layer, head, claim, bucket, rank, pieces, i, j, weight. Of each, `weight` holds the weights α of its own
    head from piece `i` to piece `j`, null columns included, those below 0.002 left out; `pieces` is the number of its
    pieces. Of a window these are the pieces of the sentences that are shown.

    Args:
        run: the run's folder, or its URL.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.results.exemplars import load_attention
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    check(locate(run), "exemplar_attention.parquet")
    return load_attention(locate(run) / "exemplar_attention.parquet")


def export(
    run: "str | PathLike[str] | Location",
    *,
    format: str,
    out: "str | PathLike[str] | Location | None" = None,
    layers: "Sequence[int] | None" = None,
    heads: "Sequence[int] | None" = None,
    **options: Any,
) -> "Location":
    """Write a finished run for other programs, as `attnmetrics export` does.

    `csv` writes a tidy file a result, `json` all results in one, both beside what each result is; `headvis` what the
    HeadVis front end reads. README.md in the folder says what is what, and where definitions differ.

    Args:
        run: the run's folder, or its URL.
        format: `csv`, `json` or `headvis`.
        out: a new or an empty folder, or a URL; unset, `export/FORMAT` in the run's.
        layers: only these.
        heads: of each layer only these.
        **options: of `headvis`, the fields of `attnmetrics.exporting.export.Reading`: `sequences` of each head and
            interval, at most; `typical=False` leaves out the sentences whose attention a model would have to read;
            `model`, `trust_remote_code`, `allow_pickle`.

    Returns:
        the folder.

    Raises:
        attnmetrics.errors.AttnmetricsError: what is wrong and what to do.
    """
    from attnmetrics.exporting.export import export as export_run
    from attnmetrics.exporting.export import reading_of
    from attnmetrics.storage import locate

    folder = None if out is None else locate(out)
    return export_run(locate(run), format, folder, layers, heads, reading_of(format, options))


def probe(run: "str | PathLike[str] | Location", *, quiet: bool = True, **options: Any) -> "xr.Dataset":
    """Learn a treebank's trees from a run's attention, as `attnmetrics probe` does, and give what was found.

    Args:
        run: the run's folder, or its URL.
        quiet: show no progress.
        **options: the fields of `attnmetrics.config.ProbeConfig`: treebank, test, sentences, …

    Returns:
        the Dataset that `load_probe` gives.

    Raises:
        attnmetrics.errors.AttnmetricsError: what is wrong and what to do.
    """
    from attnmetrics.config import build_probe_config
    from attnmetrics.running.probing import probe as probe_run
    from attnmetrics.running.progress import Reporter
    from attnmetrics.storage import locate

    return probe_run(locate(run), build_probe_config(options), Reporter(quiet))


def load_probe(run: "str | PathLike[str] | Location") -> "xr.Dataset":
    """What the last `attnmetrics probe` of a run found: attachment scores, and weights of heads.

    Args:
        run: the run's folder, or its URL.

    Raises:
        attnmetrics.errors.StoreError: the run was not probed, or what was found is damaged.
    """
    from attnmetrics.results.probes import FILE, load_probe
    from attnmetrics.running.seals import check_apart
    from attnmetrics.storage import locate

    check_apart(locate(run), FILE)
    return load_probe(locate(run))


def compare(
    *runs: "str | PathLike[str] | Location",
    axis: "Mapping[str, Sequence[object]] | None" = None,
    by: "str | Mapping[str, Sequence[str]] | None" = None,
    confidence: float = 0.95,
    out: "str | PathLike[str] | Location | None" = None,
) -> "xr.Dataset":
    """How the heads of finished runs differ from those of the first, and how surely, from the runs' folders alone.

    `<name>` [run, …] of every result that all have; of those with intervals `<name>_difference` from the first run, its
    bounds `<name>_difference_low` and `<name>_difference_high`, and `<name>_q`: of the heads with q below 0.05, one in
    twenty differs by chance alone. `<name>_correlation` says how alike two maps of heads are.

    Args:
        *runs: their folders, or URLs: two or more; with `by`, one.
        axis: what the runs are points on: {"step": [1000, 2000, 4000]}.
        by: of one run, a field of documents that it is split by: its values stand for runs, the first for the first
            run. Of some values, in an order of your own, {"genre": ["news", "interview"]}.
        confidence: how often an interval is to hold the true difference.
        out: a folder to write all of it to; unset, nothing is written.

    Raises:
        attnmetrics.errors.AttnmetricsError: runs differ in shape or definitions, or one is not finished.
    """
    from attnmetrics.comparing.axis import make_axis
    from attnmetrics.comparing.compare import compare_runs
    from attnmetrics.comparing.outputs import check_free, write_comparison
    from attnmetrics.comparing.values import check_one, choose_by, compare_values
    from attnmetrics.storage import locate

    folder, places = None if out is None else locate(out), [locate(run) for run in runs]
    if by is not None:
        check_one(places, axis is not None)
    if folder is not None:
        check_free(folder)
    points = None if axis is None else make_axis(axis)
    if by is None:
        found = compare_runs(places, confidence, points)
    else:
        found = compare_values(places[0], *choose_by(places[0], by), confidence)
    if folder is not None:
        write_comparison(found, folder)
    return found.data


def load_comparison(folder: "str | PathLike[str] | Location") -> "xr.Dataset":
    """What `compare` gave, from the folder that it was written to.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no comparison.
    """
    from attnmetrics.results.comparison import load_comparison as load_stored
    from attnmetrics.storage import locate

    return load_stored(locate(folder))
