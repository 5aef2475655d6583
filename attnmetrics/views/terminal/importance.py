"""The importance of attention in the terminal: by the kind of piece that is attended to, and by layer.

Source: Clark et al. 2019, section 3.2, Figure 3.
"""

import numpy as np
import xarray as xr
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.text import Text

from attnmetrics.views.certainty import OF_MEANS
from attnmetrics.views.numbers import number
from attnmetrics.views.tables import labels_of, said, unit_word
from attnmetrics.views.terminal.light_table import LightTable
from attnmetrics.views.terminal.style import FAINT

_BESIDE = {"importance_weight": "weight", "importance_value_norm": "value"}
_BY_LAYER = ("raw", "centred")


def show_importance(data: xr.Dataset) -> RenderableType:
    """A run's importance of attention: over all heads, and by layer.

    Args:
        data: results with those of importance.
    """
    kinds = [str(kind) for kind in labels_of(data["importance"], "kind")]
    table = data["importance"]
    parts: list[RenderableType] = [
        Text("Importance of attention", style="bold"),
        Text(f"{said(table, 'formula')} [nats]", style=FAINT),
        Text(_sample(data)),
        Text(),
        _by_special(data, kinds),
    ]
    layers = [_by_layer(table.sel(kind=kind), kind) for kind in _BY_LAYER if kind in kinds]
    return Group(*parts, Text(), Columns(layers, padding=(0, 4)), Text(), Text(OF_MEANS, style=FAINT))


def _sample(data: xr.Dataset) -> str:
    unit = unit_word(data)
    units, pieces, loss, without = (
        float(data[f"importance_{name}"]) for name in ("units", "predicted", "loss", "units_without_loss")
    )
    rest = f"; nothing to predict in {number(without)} more of the sample" if without else ""
    return f"{number(pieces)} pieces predicted in {number(units)} {unit}s{rest}; mean loss {number(loss)} nats"


def _by_special(data: xr.Dataset, kinds: list[str]) -> LightTable:
    """A row a kind of attended piece: means over all heads."""
    result = LightTable("attention to", *kinds, *_BESIDE.values(), "pairs")
    for special in labels_of(data["importance"], "special"):
        own = data.sel(special=special)
        numbers = [_mean(own["importance"].sel(kind=kind)) for kind in kinds]
        numbers += [_mean(own[name]) for name in _BESIDE]
        result.add_row(Text(str(special)), *map(number, numbers), number(float(own["importance_pairs"].sum())))
    return result


def _by_layer(table: xr.DataArray, kind: str) -> LightTable:
    """A row a layer, a column a kind of attended piece."""
    specials = labels_of(table, "special")
    result = LightTable(f"{kind}, to", *map(str, specials))
    for layer in labels_of(table, "layer"):
        own = table.sel(layer=layer).mean("head")
        result.add_row(Text(f"layer {layer}"), *(number(float(own.sel(special=special))) for special in specials))
    return result


def _mean(table: xr.DataArray) -> float:
    numbers = table.values
    return float(np.nanmean(numbers)) if np.isfinite(numbers).any() else float("nan")
