"""What somebody asked to see, among what there is: a metric, a label, a head."""

from collections.abc import Sequence
from difflib import get_close_matches

import xarray as xr

from attnmetrics.errors import ConfigError
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import Labels, by_themselves, further, labels_of


def known_name(name: str, known: Sequence[str], what: str) -> str:
    """`name`, if it is known.

    Raises:
        ConfigError: it is not; the message lists the known ones, the nearest first.
    """
    if name in known:
        return name
    near = get_close_matches(name, known, 1)
    hint = f"did you mean {visible(near[0])!r}? " if near else ""
    listed = ", ".join(visible(one) for one in known if not one.endswith("_by_layer")) or "none"
    twins = "; each metric of heads also as <metric>_by_layer" if what == "metric" else ""
    raise ConfigError(f"expected a {what} of this run, found {visible(name)!r}; {hint}the run has: {listed}{twins}")


def refuse_label(data: xr.Dataset, name: str) -> None:
    """Refuse a tag or a relation in the place of a metric.

    Raises:
        ConfigError: it is one.
    """
    having = [str(key) for key, table in by_themselves(data).items() if _has_label(table, name)]
    if name not in data and having:
        raise ConfigError(
            f"expected a metric of this run, found {visible(name)!r}, a label of {', '.join(having)}; say "
            f"attnmetrics show RUN {having[0]} --label {name}"
        )


def _has_label(table: xr.DataArray, label: str) -> bool:
    return any(label in map(str, table[dim].values.tolist()) for dim in further(table))


def known_label(table: xr.DataArray, name: str, label: str) -> Labels:
    """The label of the table's further dimension that is spelled like this.

    Raises:
        ConfigError: there is none.
    """
    dims = further(table)
    if not dims:
        raise ConfigError(f"expected no label for {visible(name)}, found {visible(label)!r}; it has one value a head")
    known = labels_of(table, dims[0])
    spelled = known_name(label, [str(one) for one in known], f"label of {visible(dims[0])!r}")
    return {dims[0]: known[[str(one) for one in known].index(spelled)]}


def require_head(layer: int, head: int, layers: Sequence[int], heads: Sequence[int]) -> None:
    """Refuse a head that there is not.

    Raises:
        ConfigError: naming the layers or heads that there are.
    """
    for what, found, known in (("layer", layer, layers), ("head", head, heads)):
        if found not in known:
            raise ConfigError(f"expected a {what} of this run, found {found}; the run has {what}s {_span(known)}")


def _span(known: Sequence[int]) -> str:
    whole = list(known) == list(range(known[0], known[-1] + 1)) if len(known) else False
    return f"{known[0]} to {known[-1]}" if whole and len(known) > 1 else ", ".join(map(str, known)) or "none"
