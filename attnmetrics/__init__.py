"""What every attention head of a Transformer language model does, over any amount of text.

import attnmetrics

metrics = attnmetrics.run(model="gpt2", corpus="texts/*.txt", out="runs/gpt2")   # an xarray Dataset
metrics = attnmetrics.load("runs/gpt2")                                          # later
sentences = attnmetrics.exemplars("runs/gpt2")                                   # a pandas DataFrame
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
    import pandas as pd
    import xarray as xr

    from attnmetrics import plot, views
    from attnmetrics.storage import Location

__all__ = [
    "exemplar_attention",
    "exemplars",
    "importance",
    "intervals",
    "load",
    "load_probe",
    "plot",
    "probe",
    "run",
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

    Args:
        run: the run's folder, or its URL.
        with_intervals: also those of `intervals`, as coordinates `<name>_interval`, which `plot` draws by layer.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.results import joined
    from attnmetrics.results.dataset import load as load_results
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    check(locate(run), "results.zarr")
    results = load_results(locate(run) / "results.zarr")
    if not with_intervals:
        return results
    return joined.with_intervals(results, intervals(run) if (locate(run) / joined.INTERVALS).exists() else None)


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


def intervals(run: "str | PathLike[str] | Location") -> "xr.Dataset":
    """How sure the results of a finished run are: of each that is no count, bounds by a bootstrap of its shards.

    A variable has the name and the dimensions of its result, and a last one, `bound`: `low`, `high`. `<name>_groups` is
    the number of groups of shards with evidence for the value, `<name>_rank` [layer, head, bound] holds the bounds of
    the heads' ranks, 1 for the highest.

    Args:
        run: the run's folder, or its URL.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run, or one without intervals.
    """
    from attnmetrics.results.intervals import FILE, load_intervals
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    check(locate(run), FILE)
    return load_intervals(locate(run))


def exemplars(run: "str | PathLike[str] | Location") -> "pd.DataFrame":
    """The exemplars of a finished run.

    Columns: layer, head, claim, bucket, rank, weight, document, sentence, i, j, text, pieces. `claim` is empty in rows
    of a head's strongest pairs, else what a row answers, such as `pos_to:DET`, `dependency:either`, `previous`,
    `relation:obj:hit`; ranks restart in every claim.

    Args:
        run: the run's folder, or its URL.

    Raises:
        attnmetrics.errors.StoreError: the folder holds no finished run.
    """
    from attnmetrics.results.exemplars import load_exemplars
    from attnmetrics.running.seals import check
    from attnmetrics.storage import locate

    check(locate(run), "exemplars.parquet")
    return load_exemplars(locate(run) / "exemplars.parquet")


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
        attnmetrics.errors.StoreError: the run was not probed.
    """
    from attnmetrics.results.probes import load_probe
    from attnmetrics.storage import locate

    return load_probe(locate(run))
