"""The page of a comparison: which heads differ, how much, and which differences are noise; one file that asks nobody.

`static/comparison.js` and the modules it imports draw it, many of them the atlas'. Nothing is computed anew: numbers
are those of the comparison's Dataset.
"""

from typing import Any

import numpy as np
import xarray as xr

from attnmetrics.results.comparison import CLEAR, RUN
from attnmetrics.results.sides import Comparison
from attnmetrics.storage import Location
from attnmetrics.views.certainty import interval_title
from attnmetrics.views.comparison.changes import pack_changes
from attnmetrics.views.comparison.heads import pack_role_changes, pack_roles
from attnmetrics.views.comparison.results import choose, cut, of_corpora, pack_results
from attnmetrics.views.comparison.sentences import pack_sentences
from attnmetrics.views.evidence import least
from attnmetrics.views.page import render as render_page
from attnmetrics.views.page import write
from attnmetrics.views.pieces import visible
from attnmetrics.views.tables import unit_word


def write_page(comparison: Comparison, folder: Location) -> None:
    """Write `folder`/index.html.

    Args:
        comparison: what was compared, and what came of it.
        folder: made where missing.

    Raises:
        StoreError: the folder cannot be written, or the sentences of a run cannot be read.
    """
    write(render(comparison), folder, "attnmetrics compare")


def render(comparison: Comparison) -> str:
    """The page, the same for the same comparison."""
    content = contents(comparison)
    return render_page(content, f"Attention heads: {content['name']}", "auto")


def contents(comparison: Comparison) -> dict[str, Any]:
    """What the page's script reads."""
    data = comparison.data
    results = choose(data)
    sentences, without = pack_sentences(comparison.sides, unit_word(data), _heads(data))
    return {
        "view": "comparison",
        "name": _name(data),
        "unit": unit_word(data),
        "confidence": float(data.attrs["confidence"]),
        "interval_title": interval_title(data),
        "clear": CLEAR,
        "axis": _axis(data),
        "runs": _runs(comparison),
        "layers": data["layer"].values.tolist(),
        "heads": data["head"].values.tolist(),
        "results": pack_results(data, results),
        "corpora": list(of_corpora(data)),
        "least": least(data),
        "changed": pack_changes(data, results),
        "roles": pack_roles(comparison.sides, _heads(data)),
        "role_changes": pack_role_changes(data[RUN].values.tolist(), comparison.role_changes),
        "sentences": sentences,
        "remarks": [visible(str(one)) for one in data.attrs.get("remarks", ())],
        "left_out": [visible(str(one)) for one in data.attrs.get("left_out", ())],
        "cut": [*cut(data, results), *without],
    }


def _heads(data: xr.Dataset) -> list[tuple[int, int]]:
    """(layer, head) of all heads, layer by layer."""
    return [(layer, head) for layer in data["layer"].values.tolist() for head in data["head"].values.tolist()]


def _name(data: xr.Dataset) -> str:
    """Of the comparison: "gpt2 and tuned", "gpt2 and 12 others"."""
    first, *others = (visible(str(name)) for name in data[RUN].values.tolist())
    return f"{first} and {others[0] if len(others) == 1 else f'{len(others)} others'}"


def _axis(data: xr.Dataset) -> dict[str, Any] | None:
    """What the runs are points on; None where they are not."""
    name = str(data.attrs.get("axis", ""))
    return {"name": visible(name), "points": [_point(one) for one in data[name].values.tolist()]} if name else None


def _point(value: object) -> object:
    return value if isinstance(value, int | float) else visible(str(value))


def _runs(comparison: Comparison) -> list[dict[str, Any]]:
    """What is told of each run."""
    data = comparison.data
    told = zip(data[RUN].values.tolist(), _of_runs(data, "path"), _of_runs(data, "shards"), strict=True)
    paired = _of_runs(data, "paired")
    return [
        {
            "name": visible(str(name)),
            "path": visible(str(path)),
            "source": comparison.sides[place].source,
            "shards": shards,
            "paired": bool(paired[place]),
            "remarks": [visible(one) for one in comparison.sides[place].remarks],
        }
        for place, (name, path, shards) in enumerate(told)
    ]


def _of_runs(data: xr.Dataset, name: str) -> list[Any]:
    """A coordinate along the runs; empty texts where there is none."""
    return list(data[name].values.tolist()) if name in data.coords else list(np.full(data.sizes[RUN], "").tolist())
