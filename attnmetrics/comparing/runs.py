"""A finished run as a side of a comparison, from its folder alone."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import pandas as pd

from attnmetrics.config import RunConfig
from attnmetrics.describing.files import FILE as ROLES
from attnmetrics.describing.files import load_roles
from attnmetrics.errors import StoreError
from attnmetrics.metrics.schema import Schema
from attnmetrics.results.comparison import FILE as COMPARISON
from attnmetrics.results.dataset import load
from attnmetrics.results.exemplars import load_attention, load_exemplars
from attnmetrics.results.intervals import FILE as INTERVALS
from attnmetrics.results.intervals import known
from attnmetrics.results.sides import Side
from attnmetrics.running.merging import committed
from attnmetrics.running.runfile import Facts, config_of, read_facts
from attnmetrics.running.seals import check
from attnmetrics.statistics.groups import GroupSums
from attnmetrics.storage import Location
from attnmetrics.store.merge import merge
from attnmetrics.store.room import make_room
from attnmetrics.store.shards import Store
from attnmetrics.views.facts import source_words

RESULTS: Final = "results.zarr"
_SETTINGS: Final = (
    "annotator", "sample_sentences", "metric_sentences", "seed", "variability_sentences", "map_sentences", "dtype",
    "version of attnmetrics", "annotator fingerprint",
)  # fmt: skip
"""Of a run's identity: what its numbers depend on beside model, corpus and definitions."""


def read_run(run: Location, name: str) -> Side:
    """A finished run.

    Args:
        run: its folder.
        name: what it is called in the comparison.

    Raises:
        StoreError: the folder holds no finished run, or one of another format, or something in it is damaged.
        ConfigError: its configuration is not valid.
    """
    facts = read_facts(run)
    if facts is None:
        found = "a comparison" if (run / COMPARISON).exists() else "no run.json in it"
        raise StoreError(
            f"expected the folder of a run at {run}, found {found}; give folders that `attnmetrics run` had as --out"
        )
    for output in (RESULTS, INTERVALS, ROLES):
        check(run, output)
    results, config = load(run / RESULTS), config_of(run, facts)
    return Side(
        name=name,
        schema=Schema.from_plain(facts["store"]["schema"]),
        results=results,
        groups=partial(read_groups, run, facts, config),
        corpus=facts["corpus"]["digest"],
        definitions=_definitions(facts, config),
        settings=_settings(facts),
        intervals=known(load(run / INTERVALS)) if (run / INTERVALS).exists() else None,
        roles=load_roles(run / ROLES) if (run / ROLES).exists() else None,
        exemplars=_reader(load_exemplars, run / "exemplars.parquet"),
        attention=_reader(load_attention, run / "exemplar_attention.parquet"),
        place=str(run),
        source=source_words(results, facts),
        remarks=_remarks(name, facts),
    )


def _reader(load: Callable[[Location], pd.DataFrame], file: Location) -> Callable[[], pd.DataFrame] | None:
    """What reads a file of sentences; None where a run was given without."""
    return partial(load, file) if file.exists() else None


def read_groups(run: Location, facts: Facts, config: RunConfig) -> GroupSums:
    """The sums of a run's groups of shards.

    Raises:
        StoreError: a shard is not as it was committed.
    """
    store = Store.described(run, facts["store"])
    groups = GroupSums(store.schema, store.shards, make_room)
    merge(store, committed(store, allow_missing=True), config.variability_sentences, groups)
    return groups


def _definitions(facts: Facts, config: RunConfig) -> dict[str, str]:
    """What must be the same in runs that are compared, in words."""
    schema, model = facts["store"]["schema"], facts["model"]
    return {
        "layers": ", ".join(map(str, schema["layers"])),
        "heads of a layer": str(schema["heads"]),
        "unit": config.unit,
        "segment ids": config.segment_ids,
        "null pieces": config.null_tokens or ("first" if model["causal"] else "special"),
        **{f"label {label['name']}": label["source"] for label in schema["labels"]},
        **{f"link {link['name']}": link["source"] for link in schema["links"]},
        **{name: str(value) for name, value in facts["identity"].items() if name.startswith("text of ")},
    }


def _settings(facts: Facts) -> dict[str, str]:
    identity: Mapping[str, Any] = facts["identity"]
    direction = {"direction": "from left to right" if facts["model"]["causal"] else "both ways"}
    return {name: str(identity[name]) for name in _SETTINGS if name in identity} | direction


def _remarks(name: str, facts: Facts) -> tuple[str, ...]:
    missing, shards = len(facts["missing"]), facts["corpus"]["shards"]
    return (f"{name} lacks {missing} of {shards} shards",) if missing else ()
